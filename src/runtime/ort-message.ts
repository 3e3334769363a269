/**
 * Returns the meaningful part of an ONNX Runtime message on one line: without source locations, C++ signature
 * and final full stop. A long message ends after a whole word, with `…`.
 */
export function sentence(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  const told = withoutCppLocation(flat)
    .replace(/\b\w+\.(?:cc|h|cu):\d+ \w+ /g, '')
    .replace(/^Error: /, '')
    .replace(/[.\s]+$/, '');
  return shortened(told);
}

const LONGEST = 300;

/** Returns a text of at most `longest` characters and `…`, cut between words. */
export function shortened(text: string, longest = LONGEST): string {
  if (text.length <= longest) return text;
  const space = text.lastIndexOf(' ', longest);
  const whole = text.slice(0, space > 0 ? space : longest);
  return `${whole.replace(/[\s,;:.(]+$/, '')} …`;
}

/**
 * ORT_THROW and ORT_ENFORCE begin with `file.cc:line return-type name(parameters) [condition was false. ]`.
 */
function withoutCppLocation(text: string): string {
  if (!/^\S+\.(?:cc|h|cu|hpp|cpp):\d+ /.test(text)) return text;
  const condition = text.indexOf(' was false. ');
  if (condition >= 0) return text.slice(condition + ' was false. '.length);
  let depth = 0;
  for (let i = text.indexOf('('); i >= 0 && i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    if (depth === 0)
      return text.slice(i + 1).replace(/^(?:::<lambda\(.*?\)>| const| noexcept| \[with .*?\])*\s*/, '');
  }
  return text;
}

/**
 * Returns the library that could not be loaded, from a log: `libcudnn.so.9: cannot open shared object file`.
 */
export function libraryFailure(log: string): string | undefined {
  const found = /with error: (.*)/.exec(log)?.[1];
  return found && withoutFolder(found);
}

/**
 * Returns why Node could not load a native module, from the log of a process that died of that:
 * `libonnxruntime.so.1: cannot open shared object file`.
 */
export function loaderFailure(log: string): string | undefined {
  if (!/\bcode: '(ERR_DLOPEN_FAILED|MODULE_NOT_FOUND)'/.test(log)) return undefined;
  const reason = /^Error: (.*)$/m.exec(log)?.[1];
  return reason && withoutFolder(reason);
}

/** The reason that the system gives is always the same and adds nothing; the folder is that of a package. */
const withoutFolder = (text: string): string =>
  text
    .replace(/: No such file or directory\s*$/, '')
    .replace(/^\/\S*\/(?=[^/\s]+: )/, '')
    .trim();
