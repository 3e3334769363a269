import { constants, promises as fs, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { writeAtomically } from '../../files/atomic.js';
import { cannotWrite } from '../../files/reasons.js';
import { type NewFile, writeTogether } from '../../files/write-together.js';
import type { Model } from '../../graph/model.js';
import { toOnnx } from '../../graph/to-onnx.js';
import { encodeModel } from '../../onnx/encode.js';
import type { OpenedModel } from '../../onnx/skeleton.js';

/** Folder of variants of a model. They share the weights. */
export interface VariantFolder {
  /** Writes one variant, whole or not at all, the first one with the weights; returns its path. */
  write(model: Model, label: string): Promise<string>;
  writeText(name: string, text: string): Promise<string>;
}

/**
 * Prepares a folder for variants of a model. In the model's own folder they refer to its files. Elsewhere the
 * files are cloned (copy-on-write), else hard-linked, else copied, since ONNX Runtime refuses weights outside
 * a model's folder.
 *
 * @throws UserError when the folder cannot be made or written.
 */
export async function openVariantFolder(opened: OpenedModel, folder: string): Promise<VariantFolder> {
  const target = await madeFolder(folder);
  const isOwn = opened.files.every(({ path }) => path === join(target, basename(path)));
  // The name says what the file is here: it is a model, but variants read weights from it.
  const locationOf = (path: string) => `${basename(path)}${isOwn ? '' : '.weights'}`;
  let weights: NewFile[] = isOwn
    ? []
    : opened.files.map(({ path }) => ({
        to: join(target, locationOf(path)),
        sharedWith: path,
        cloneFirst: true,
      }));
  const stem = basename(opened.path).replace(/\.onnx$/i, '');
  return {
    async write(model, label) {
      const name = `${stem}.${label.replace('(', '-').replace(')', '')}.onnx`;
      const path = join(target, name);
      if (opened.files.some((file) => file.path === path)) {
        throw new UserError(
          `\`${name}\` in \`${folder}\` is the input itself: name another folder.`,
          'output-is-input',
        );
      }
      const proto = toOnnx(model, { externalise: ({ file }) => ({ location: locationOf(file) }) });
      await writeTogether(path, [{ to: path, bytes: encodeModel(proto) }, ...weights]);
      weights = [];
      return join(resolve(folder), name);
    },
    async writeText(name, text) {
      await writeAtomically(join(target, name), text);
      return join(resolve(folder), name);
    },
  };
}

/** Makes a folder that can be written; returns its path without symbolic links. */
async function madeFolder(folder: string): Promise<string> {
  try {
    mkdirSync(folder, { recursive: true });
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await fs.access(folder, constants.W_OK);
    return realpathSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UserError(`\`${folder}\` cannot be written: it is a file, not a folder.`, 'cannot-write');
    }
    throw cannotWrite(folder, error);
  }
}
