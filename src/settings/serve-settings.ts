import { choice, fileSetting, group, seconds, switchSetting, textSetting, wholeNumber } from './setting.js';

/** Files, series, requests and jobs beyond a million are a slip of the keyboard. */
const A_MILLION = 1_000_000;
/** Node's timers hold 2³¹ ms, which is a little less than 25 days. */
const LONGEST_TIMER = '24d';

/** Settings of the exporter, besides those of its audits. */
export const serveSettings = {
  ...group('Models', {
    models: textSetting('a folder', {
      value: 'dir',
      help: 'The only folder that models come from',
      required: true,
    }),
    watch: switchSetting({ help: 'Audit a model when it appears or changes' }),
    every: seconds('1s', LONGEST_TIMER, { help: 'Audit all models again after this time, as in 6h' }),
    checkpoints: textSetting('a pattern of file names', {
      value: 'pattern',
      help: "Files of a training run, as in '<name>-step-<n>.onnx'",
    }),
    settle: seconds('0s', '1h', { help: 'How long a file must not have changed', default: '2s' }),
    // More than twenty looks a second would keep a disk busy.
    poll: seconds('50ms', '1h', { help: 'Time between two scans of the folder', default: '1s' }),
  }),
  ...group('Server', {
    host: textSetting('an address', { value: 'address', help: 'Address to listen on', default: '127.0.0.1' }),
    // 16 bits; 0 takes a free port.
    port: wholeNumber(0, 65_535, { help: 'Port to listen on', default: 9847 }),
    tokenFile: fileSetting({ help: 'Bearer token of the API (or the variable AUDIT_TOKEN)' }),
    protectMetrics: switchSetting({ help: '/metrics asks for the token, too' }),
    rateLimit: wholeNumber(1, A_MILLION, { help: 'API requests per minute and address', default: 300 }),
    queueLimit: wholeNumber(1, A_MILLION, { help: 'Audits that may wait', default: 1000 }),
    jobTimeout: seconds('1s', LONGEST_TIMER, { help: 'Time that one audit may take', default: '1h' }),
    logLevel: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      value: 'level',
      help: 'Least level of the JSON lines on stdout',
      default: 'info',
    }),
  }),
  ...group('Reports', {
    state: textSetting('a folder', {
      value: 'dir',
      help: 'Folder that reports are kept in; one server to a folder',
      default: 'audit-state',
    }),
    keep: wholeNumber(1, A_MILLION, { help: 'Reports to keep of each model', default: 100 }),
    seriesLimit: wholeNumber(0, A_MILLION, {
      help: 'Series of all models; above it histograms are left out',
      default: 50_000,
    }),
  }),
};
