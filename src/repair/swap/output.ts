import { constants, promises as fs, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { writeAtomically } from '../../files/atomic.js';
import { cannotWrite } from '../../files/reasons.js';
import { temporaryName } from '../../files/temporary.js';
import type { Model } from '../../graph/model.js';
import { toOnnx } from '../../graph/to-onnx.js';
import { encodeModel } from '../../onnx/encode.js';
import type { ModelFile, OpenedModel } from '../../onnx/skeleton.js';

/** Writes variants of a model into a folder; they share the weights. */
export interface VariantFolder {
  /** Writes one variant, whole or not at all; returns its path. */
  write(model: Model, activation: string): Promise<string>;
  writeText(name: string, text: string): Promise<string>;
}

/**
 * Prepares a folder for variants of a model. In the model's own folder they refer to its files. Elsewhere the files
 * are first cloned (copy-on-write), else hard-linked, else copied, since ONNX Runtime refuses weights outside a
 * model's folder.
 *
 * @throws UserError when the folder cannot be made or written.
 */
export async function openVariantFolder(opened: OpenedModel, folder: string): Promise<VariantFolder> {
  const target = resolve(folder);
  try {
    mkdirSync(target, { recursive: true });
    if (!statSync(target).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await fs.access(target, constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UserError(`\`${folder}\` cannot be written: it is a file, not a folder.`, 'cannot-write');
    }
    throw cannotWrite(folder, error);
  }
  const own = realpathSync(target) === opened.folder && opened.files.every(({ path }) => isIn(path, target));
  const locations = new Map<string, string>();
  let placed: Promise<void> | null = null;
  const place = async (): Promise<void> => {
    for (const file of opened.files) {
      if (own) locations.set(file.path, basename(file.path));
      else locations.set(file.path, await placeWeights(file, target));
    }
  };
  const stem = basename(opened.path).replace(/\.onnx$/i, '');
  const write = async (name: string, bytes: Uint8Array): Promise<string> => {
    const path = join(target, name);
    await writeAtomically(path, bytes);
    return path;
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cannotWrite(folder, error);
    }
  };
  return {
    write: (model, activation) =>
      guarded(async () => {
        placed ??= place();
        await placed;
        const name = `${stem}.${activation}.onnx`;
        if (opened.files.some(({ path }) => path === join(target, name))) {
          throw new UserError(
            `\`${name}\` in \`${folder}\` is the input itself: name another folder.`,
            'output-is-input',
          );
        }
        const proto = toOnnx(model, { externalise: ({ file }) => ({ location: locations.get(file)! }) });
        return write(name, encodeModel(proto));
      }),
    writeText: (name, text) => guarded(() => write(name, Buffer.from(text))),
  };
}

const isIn = (path: string, folder: string): boolean => join(realpathSync(folder), basename(path)) === path;

/** The weights under a name that says what they are: it is a model file, but the variants read weights from it. */
async function placeWeights({ path }: ModelFile, folder: string): Promise<string> {
  const location = `${basename(path)}.weights`;
  const target = join(folder, location);
  const temporary = temporaryName(target);
  try {
    await cloneLinkOrCopy(path, temporary);
    await fs.rename(temporary, target);
  } finally {
    // Where both names already were one file, the rename has done nothing.
    await fs.rm(temporary, { force: true });
  }
  return location;
}

async function cloneLinkOrCopy(from: string, to: string): Promise<void> {
  try {
    await fs.copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
    return;
  } catch {
    await fs.rm(to, { force: true });
  }
  try {
    await fs.link(from, to);
  } catch {
    await fs.copyFile(from, to);
  }
}
