import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import { type Hub, hubFromEnvironment } from '../../src/data/hub/endpoint.js';
import { newFolder } from './support.js';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** What the stand-in for the hub saw and how it misbehaves. */
export interface FakeHub {
  endpoint: string;
  /** `HEAD /path` of the hub, `GET storage…` of the other host, with its Range and Authorization. */
  log: { request: string; range: string | null; ifRange: string | null; authorized: boolean }[];
  /** Path below `resolve/<revision>/` → content. */
  files: Record<string, Buffer>;
  /** Connections broken off half way, so many times. */
  breaks: number;
  /** Called when one is broken off. */
  onBreak: () => void;
  /** Answers with this status instead of content, so many times. */
  busy: { status: number; times: number };
  /** Sends other content than it announces. */
  lies: boolean;
  /** Ignores Range and sends everything. */
  ignoresRange: boolean;
  /** Sends half of the content, and the rest only once this is false again. */
  drips: boolean;
  /** Announces no checksum of a large file. */
  silent: boolean;
}

export const commit = 'b08601e04326c79dfdd32d625aee71d232d685c3';

/** A local server with the hub's paths and headers, and a second one, another host, that holds the content. */
export async function fakeHub(files: Record<string, Buffer>): Promise<FakeHub> {
  const hub: FakeHub = {
    endpoint: '',
    log: [],
    files,
    breaks: 0,
    onBreak: () => {},
    busy: { status: 503, times: 0 },
    lies: false,
    ignoresRange: false,
    drips: false,
    silent: false,
  };
  const storage = await listen((incoming, response) => serveContent(hub, incoming, response));
  hub.endpoint = await listen((incoming, response) => {
    note(hub, incoming, '');
    const path = decodeURIComponent(incoming.url ?? '').replace(/^.*\/resolve\/[^/]+\//, '');
    const content = hub.files[path];
    if (content === undefined) {
      response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
      return;
    }
    const sha256 = createHash('sha256').update(content).digest('hex');
    const announced = { 'x-linked-etag': `"${sha256}"`, 'x-linked-size': String(content.length) };
    response.writeHead(302, {
      location: `${storage}/${path}`,
      'x-repo-commit': commit,
      ...(hub.silent ? {} : announced),
    });
    response.end('Found');
  });
  return hub;
}

function serveContent(hub: FakeHub, incoming: IncomingMessage, response: ServerResponse): void {
  note(hub, incoming, 'storage');
  if (hub.busy.times-- > 0) {
    response.writeHead(hub.busy.status, hub.busy.status === 503 ? { 'retry-after': '0' } : {}).end();
    return;
  }
  const content = Buffer.from(hub.files[(incoming.url ?? '').slice(1)] ?? '');
  if (hub.lies) content[content.length >> 1]! ^= 1;
  const from = hub.ignoresRange ? 0 : Number(/^bytes=(\d+)-$/.exec(incoming.headers.range ?? '')?.[1] ?? 0);
  const part = content.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    etag: '"content-1"',
    'content-length': part.length,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
  });
  if (hub.breaks-- > 0) {
    hub.onBreak();
    response.write(part.subarray(0, part.length >> 1), () => setTimeout(() => response.destroy(), 20));
    return;
  }
  if (!hub.drips) {
    response.end(part);
    return;
  }
  response.write(part.subarray(0, part.length >> 1));
  const timer = setInterval(() => {
    if (!hub.drips) response.end(part.subarray(part.length >> 1));
    if (!hub.drips || response.destroyed) clearInterval(timer);
  }, 10);
}

function note(hub: FakeHub, { method, url, headers }: IncomingMessage, host: string): void {
  hub.log.push({
    request: `${method} ${host}${url}`,
    range: headers.range ?? null,
    ifRange: (headers['if-range'] as string | undefined) ?? null,
    authorized: headers.authorization !== undefined,
  });
}

/** A forwarding HTTP proxy; `seen` are the URLs it was asked for. */
export async function fakeProxy(): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const url = await listen((incoming, response) => {
    seen.push(incoming.url ?? '');
    const forward = request(
      incoming.url ?? '',
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    forward.on('error', () => response.destroy());
    incoming.pipe(forward);
  });
  return { url, seen };
}

async function listen(serve: (incoming: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(serve);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A hub as the environment would describe it, with a cache of its own and quick retries. */
export async function hubAt(endpoint: string, env: NodeJS.ProcessEnv = {}): Promise<Hub> {
  const folder = env.AUDIT_CACHE_DIR ?? (await newFolder());
  const hub = hubFromEnvironment({ HF_ENDPOINT: endpoint, HF_HOME: folder, AUDIT_CACHE_DIR: folder, ...env });
  return { ...hub, retryDelayMs: 5 };
}
