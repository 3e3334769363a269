import { existsSync, lstatSync, promises as nodeFiles, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UserError } from '../errors.js';
import { recordPath, recordStatus } from '../files/journal.js';
import { cannotWrite } from '../files/reasons.js';
import type { OpenedModel } from '../onnx/skeleton.js';
import { fileSetting, group, switchSetting } from '../settings/setting.js';

/** Target of a repair: a new model file, or the model itself. */
export type Destination = { output: string } | { inPlace: true };

/** Settings of which one says where a repaired model goes. */
export const destinationSettings = group('Where to', {
  output: fileSetting({
    short: 'o',
    help: 'Write the changed model here: a clone with nothing else changed',
  }),
  inPlace: switchSetting({ help: 'Change the model itself' }),
  dryRun: switchSetting({ help: 'Write nothing: only say what would come of it' }),
});

/** Names of the destinations in reports. */
export const MODES = ['dry-run', 'output', 'in-place'] as const;

/** Returns the name of a destination in a report. */
export function modeOf(to: Destination | null): (typeof MODES)[number] {
  if (to === null) return 'dry-run';
  return 'inPlace' in to ? 'in-place' : 'output';
}

/**
 * Finds out before any work is done that the result can be written.
 *
 * @throws UserError for an output that is the input, for a missing or read-only folder, and for a model that
 *   must not change in place.
 */
export async function checkDestination(opened: OpenedModel, to: Destination): Promise<void> {
  if ('inPlace' in to) return checkInPlace(opened);
  const output = resolve(to.output);
  const existing = statSync(output, { throwIfNoEntry: false });
  const fail = (why: string): never => {
    throw new UserError(`\`${to.output}\` cannot be written: ${why}.`, 'cannot-write');
  };
  if (existing?.isDirectory()) fail('it is a folder; name the .onnx file in it');
  if (!existsSync(dirname(output))) fail(`there is no folder \`${dirname(output)}\``);
  const inputs = opened.files.map(({ path }) => statSync(path));
  if (existing && inputs.some(({ dev, ino }) => dev === existing.dev && ino === existing.ino)) {
    throw new UserError(
      `\`${to.output}\` is the input itself: name another output, or change it with \`inPlace\`.`,
      'output-is-input',
      { settings: ['inPlace'] },
    );
  }
  await nodeFiles.access(dirname(output), nodeFiles.constants.W_OK).catch((error) => {
    throw cannotWrite(to.output, error);
  });
}

function checkInPlace({ files, path }: OpenedModel): void {
  const refuse = (message: string, code: string): never => {
    throw new UserError(message, code, { settings: ['output'] });
  };
  if (lstatSync(path).isSymbolicLink()) {
    refuse(
      `\`${path}\` is a symbolic link to \`${files[0]!.path}\`, a file that others may share (a hub cache): write to another file with \`output\`, or name the file itself.`,
      'in-place-link',
    );
  }
  for (const file of files) {
    if (statSync(file.path).nlink > 1) {
      refuse(
        `\`${file.path}\` has several names (hard links), all of which would change: write to another file with \`output\`.`,
        'in-place-link',
      );
    }
  }
  if (recordStatus(path) === 'applied') {
    refuse(
      `\`${recordPath(path)}\` holds what undoes an earlier strip of this model: undo that with \`audit strip --undo ${path}\`, remove the record to keep it for good, or write to another file with \`output\`.`,
      'in-place-again',
    );
  }
}
