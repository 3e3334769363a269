import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Dispatcher } from 'undici';

/** Address of the hub, and folders of its caches. */
export interface Hub {
  /** Without a slash at its end. */
  endpoint: string;
  token: string | null;
  offline: boolean;
  /** Our own cache. */
  cacheDir: string;
  /** Cache of the Python and JavaScript libraries, only read. */
  sharedCacheDir: string;
  /** Loads the HTTP client at its first call: that takes 0.2 s, which an offline run need not wait for. */
  dispatcher: () => Promise<Dispatcher>;
  /** Milliseconds before the first repeated try; doubles with each. */
  retryDelayMs: number;
}

/**
 * Reads the hub from the environment: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE; AUDIT_CACHE_DIR, HF_HOME,
 * XDG_CACHE_HOME for the cache (in that order, the last two with a folder `activation-auditor` in them);
 * HTTP_PROXY, HTTPS_PROXY, NO_PROXY.
 */
export function hubFromEnvironment(env: NodeJS.ProcessEnv = process.env): Hub {
  const userCache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const hfHome = env.HF_HOME || join(userCache, 'huggingface');
  const proxy = {
    httpProxy: env.http_proxy ?? env.HTTP_PROXY ?? '',
    httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? '',
    noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
  };
  let dispatcher: Promise<Dispatcher> | undefined;
  return {
    endpoint: (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, ''),
    token: env.HF_TOKEN || null,
    offline: /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? ''),
    cacheDir: env.AUDIT_CACHE_DIR || join(env.HF_HOME || userCache, 'activation-auditor'),
    sharedCacheDir: env.HF_HUB_CACHE || join(hfHome, 'hub'),
    dispatcher: () => (dispatcher ??= proxyAgent(proxy)),
    retryDelayMs: 500,
  };
}

async function proxyAgent(proxy: {
  httpProxy: string;
  httpsProxy: string;
  noProxy: string;
}): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import('undici');
  return new EnvHttpProxyAgent({ ...proxy, proxyTunnel: false, connect: { timeout: 10_000 } });
}

/** Returns the headers for a URL. The token goes to the endpoint's own origin and nowhere else. */
export function headersFor(url: URL, hub: Pick<Hub, 'endpoint' | 'token'>): Record<string, string> {
  const headers: Record<string, string> = {
    'user-agent': 'activation-auditor',
    'accept-encoding': 'identity',
  };
  if (hub.token !== null && url.origin === new URL(hub.endpoint).origin) {
    headers.authorization = `Bearer ${hub.token}`;
  }
  return headers;
}

/** Starts the hash that git gives a file of this size. The content comes next. */
export function gitBlobHash(bytes: number) {
  return createHash('sha1').update(`blob ${bytes}\0`);
}
