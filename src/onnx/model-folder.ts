import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.js';

/** Models that an error lists. */
const SHOWN_MODELS = 5;

/** Files of models that are no ONNX, by their names: what the folder is then, and how ONNX is made of it. */
const OTHER_MODELS: { name: RegExp; is: string; next: (folder: string) => string }[] = [
  {
    name: /\.safetensors$|^pytorch_model.*\.bin$/,
    is: 'weights without a graph',
    next: (folder) =>
      `export the model to ONNX first, e.g. with \`optimum-cli export onnx --model ${folder} ${folder}-onnx\``,
  },
  {
    name: /^saved_model\.pb$/,
    is: 'a TensorFlow SavedModel',
    next: (folder) =>
      `convert it first, e.g. with \`python -m tf2onnx.convert --saved-model ${folder} --output model.onnx\``,
  },
  {
    name: /\.(pt|pth|ckpt|keras|h5)$/,
    is: 'a checkpoint',
    next: () => 'export the model to ONNX first, e.g. with `torch.onnx.export`',
  },
];

/** Returns the error for a folder in place of a model: it says which file to name, or how to make one. */
export function folderInPlaceOfModel(folder: string): UserError {
  return new UserError(
    `Expected a model file, found the folder \`${folder}\`: ${nextStep(folder)}.`,
    'file-is-folder',
  );
}

function nextStep(folder: string): string {
  // Hubs keep the exports of a model in a folder of this name.
  const names = [...namesIn(folder), ...namesIn(join(folder, 'onnx')).map((name) => join('onnx', name))];
  const models = names.filter((name) => name.endsWith('.onnx')).map((name) => join(folder, name));
  if (models.length === 1) return `name the model in it, \`${models[0]}\``;
  if (models.length > 1) {
    const shown = models.slice(0, SHOWN_MODELS).map((path) => `\`${path}\``);
    const more = models.length > SHOWN_MODELS ? `, … (${models.length} in all)` : '';
    return `name one of ${shown.join(', ')}${more}`;
  }
  for (const { name, is, next } of OTHER_MODELS) {
    const found = names.find((each) => name.test(each));
    if (found !== undefined) return `it holds \`${found}\`, ${is}; ${next(folder)}`;
  }
  return 'it holds no .onnx file';
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
