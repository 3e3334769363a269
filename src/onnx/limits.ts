import { UserError } from '../errors.js';

/**
 * Limits on what a file may ask of memory and time, each with its reason. A file from somebody else must end
 * in a sentence, not in minutes or gigabytes; no model that an exporter writes comes near one of these.
 */

/** Depth of nested messages: ONNX Runtime's own reader goes no deeper. */
export const MAX_DEPTH = 100;

/**
 * Bytes of one string, byte string or unknown field, which are loaded whole. Weights stay on disk and have no
 * limit.
 */
export const MAX_FIELD_BYTES = 256 * 2 ** 20;

/**
 * Bytes of one tensor's numbers that come in several pieces and so cannot stay on disk; no known writer makes
 * pieces.
 */
export const MAX_PIECES_BYTES = 16 * 2 ** 20;

/**
 * Memory that the structure of a model may take (all but its weights), as estimated by `MEMORY`: this much in
 * any case, and `STRUCTURE_RATIO` times its bytes in the file. The largest structures of 80 published models
 * take 18 MB; a file of empty messages takes a hundred times its size.
 */
const STRUCTURE_BYTES = 64 * 2 ** 20;
const STRUCTURE_RATIO = 4;

/** Bytes of memory that parts of a structure take in V8, measured. */
export const MEMORY = { message: 160, bytes: 250, string: 40, number: 24 };

/**
 * External tensors of at most 4 KiB are kept in memory until they take this much; they may all lie on the
 * same bytes.
 */
export const MAX_SMALL_EXTERNAL_BYTES = 64 * 2 ** 20;

/** Elements that a sparse tensor is expanded to: its size is a claim that no bytes back. */
export const MAX_DENSE_ELEMENTS = 2 ** 24;

/**
 * Nodes of a model, called functions and nested graphs included. The largest exports have 20,000; 100,000
 * take 400 MB and seconds.
 */
const MAX_NODES = 100_000;

/** Calls of functions nested in each other; a function that calls itself never ends. */
export const MAX_CALL_DEPTH = 32;

/**
 * Letters that expanding functions may add to names: those inside nested calls repeat the names of all calls
 * around.
 */
const MAX_EXPANDED_LETTERS = 32 * 2 ** 20;

/**
 * Nodes read, in all, to find out which branches of Ifs are taken: an If may hang on what another one
 * decides.
 */
export const MAX_IF_NODES = 5 * MAX_NODES;

/** @throws UserError when the structure read so far takes more memory than its bytes in the file justify. */
export function checkStructure(name: string, memoryBytes: number, structureBytes: number): void {
  if (memoryBytes <= STRUCTURE_BYTES + STRUCTURE_RATIO * structureBytes) return;
  throw new UserError(
    `Expected the structure of \`${name}\` to take at most ${megabytes(STRUCTURE_BYTES)} of memory and ${STRUCTURE_RATIO} times its size, found ${megabytes(memoryBytes)} in its first ${megabytes(structureBytes)}: it consists of very many tiny parts, as no exporter writes them.`,
    'model-too-complex',
  );
}

/** @throws UserError for a model of more than `MAX_NODES` nodes. */
export function checkNodes(nodes: number): void {
  if (nodes <= MAX_NODES) return;
  throw new UserError(
    `Expected a model of at most ${MAX_NODES.toLocaleString('en-US')} nodes, found more, those of called functions included.`,
    'model-too-complex',
  );
}

/** @throws UserError when calls of functions nest so that names alone fill the memory. */
export function checkExpandedLetters(letters: number): void {
  if (letters <= MAX_EXPANDED_LETTERS) return;
  throw new UserError(
    `Expected functions whose calls need at most ${megabytes(MAX_EXPANDED_LETTERS)} of names, found more: calls with long names are nested in each other.`,
    'model-too-complex',
  );
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
