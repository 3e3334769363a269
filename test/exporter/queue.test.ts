import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/errors.js';
import { openQueue, type Queue } from '../../src/exporter/queue.js';
import type { Job } from '../../src/exporter/schema.js';

interface Running {
  work: string;
  finish: (error?: Error) => void;
}

function setup(limit = 10) {
  const running: Running[] = [];
  const seen: Job[] = [];
  const queue: Queue<string> = openQueue<string>({
    limit,
    onJob: (job) => void seen.push(job),
    run: (work, _job, signal) =>
      new Promise((resolve, reject) => {
        const finish = (error?: Error) => (error ? reject(error) : resolve(`report of ${work}`));
        signal.addEventListener('abort', () => reject(new Interrupted('stopped')));
        running.push({ work, finish });
      }),
  });
  const add = (model: string, device = 'cpu') =>
    queue.add(model, { model, step: null, trigger: 'api', device });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { queue, running, seen, add, settled };
}

describe('the queue', () => {
  it('runs one audit at a time on each device, first come first served', async () => {
    const { queue, running, add, settled } = setup();
    for (const model of ['a', 'b', 'c']) add(model);
    add('g', 'cuda');
    expect(running.map(({ work }) => work)).toEqual(['a', 'g']);
    expect([queue.depth('cpu'), queue.running('cpu'), queue.depth('cuda')]).toEqual([2, 1, 0]);
    running[0]!.finish();
    await settled();
    expect(running.map(({ work }) => work)).toEqual(['a', 'g', 'b']);
  });

  it('says how each job ended', async () => {
    const { queue, running, add, settled } = setup();
    const good = add('good');
    running[0]!.finish();
    await settled();
    const bad = add('bad');
    running[1]!.finish(new Error('no memory'));
    await settled();
    expect(queue.job(good.id)).toMatchObject({ status: 'done', report: 'report of good', error: null });
    expect(queue.job(bad.id)).toMatchObject({ status: 'failed', error: 'no memory', report: null });
    expect(queue.jobs().map(({ model }) => model)).toEqual(['bad', 'good']);
  });

  it('cancels what waits at once and what runs by its signal', async () => {
    const { queue, running, add, settled } = setup();
    const [first, second] = [add('first'), add('second')];
    expect(queue.cancel(second.id)?.status).toBe('cancelled');
    queue.cancel(first.id);
    await settled();
    expect(queue.job(first.id)?.status).toBe('cancelled');
    expect(running).toHaveLength(1);
    expect(queue.cancel('unknown')).toBeNull();
    expect(queue.cancel(first.id)?.status).toBe('cancelled');
  });

  it('takes no more than its limit', () => {
    const { add } = setup(1);
    add('runs');
    add('waits');
    expect(() => add('too many')).toThrow(/queue is full/);
  });

  it('stops everything when closed, and starts nothing', async () => {
    const { queue, running, seen, add } = setup();
    add('a');
    add('b');
    await queue.close();
    expect(running).toHaveLength(1);
    expect(queue.jobs().map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
    expect(() => add('c')).toThrow(/shutting down/);
    expect(seen.at(-1)?.status).toBe('cancelled');
  });

  it('forgets old jobs', async () => {
    const { queue, running, add, settled } = setup();
    for (let i = 0; i < 210; i++) {
      add(`m${i}`);
      running.at(-1)!.finish();
      await settled();
    }
    expect(queue.jobs()).toHaveLength(200);
    expect(queue.jobs()[0]?.model).toBe('m209');
  });
});
