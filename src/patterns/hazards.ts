import { constantScalar } from '../graph/constants.js';
import type { Graph, Node } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';
import { allNodes } from '../graph/traversal.js';

/** A part of a graph that makes its numbers differ from run to run. */
export interface Hazard {
  code: 'training-dropout' | 'random' | 'scatter-race';
  message: string;
  /** True if running with one thread removes it. */
  singleThread: boolean;
}

/** Returns what makes results random: Dropout in training mode, random operators, a Scatter that races. */
export function findHazards(graph: Graph): Hazard[] {
  const nodes = [...allNodes(graph)];
  const dropout = nodes.find((node) => node.is('Dropout') && trains(node));
  const random = nodes.find((node) => operatorOf(node).random);
  const race = nodes.find((node) => node.is('ScatterND') && node.string('reduction', 'none') === 'add');
  const hazards: Hazard[] = [];
  if (dropout) {
    const message = `${dropout.name} is a Dropout in training mode: activations are random; export the model after \`model.eval()\`.`;
    hazards.push({ code: 'training-dropout', message, singleThread: false });
  }
  if (random) {
    const message = `${random.name} (${random.opType}) draws random numbers: activations differ from run to run.`;
    hazards.push({ code: 'random', message, singleThread: false });
  }
  if (race) {
    const message = `${race.name} is a ScatterND that adds, which races between threads in ONNX Runtime: the audit runs on one thread.`;
    hazards.push({ code: 'scatter-race', message, singleThread: true });
  }
  return hazards;
}

/**
 * Returns true if the third input of Dropout says so (opset 12 and later); before that ONNX had no training
 * mode.
 */
function trains(node: Node): boolean {
  const mode = node.inputs[2];
  return !!mode && constantScalar(mode) === 1;
}
