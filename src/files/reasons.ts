import { UserError } from '../errors.js';

/** Meanings of the operating system's error codes; each completes "`x` cannot be read: …". */
const reasons: Record<string, string> = {
  EACCES: 'permission denied',
  EBUSY: 'something else is using it',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'something of that name is there already',
  EFBIG: 'the file system holds no file of that size',
  EIO: 'the disk or the network reports an error',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many files are open',
  ENODEV: 'there is no such device',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ENXIO: 'it is a socket or a device that nothing serves',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ESTALE: 'the network file system has lost it',
  ETXTBSY: 'it is a program that is running',
};

/** Codes of the operating system, such as `ENOSPC`; Node's own, such as `ERR_INVALID_ARG_TYPE`, are bugs. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/;

/** Returns what a file system's error means, in words; its own message where the code is not a known one. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && reasons[code]) ?? message ?? String(error);
}

/** Returns true if the error is one of the file system with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | null)?.code ?? '');
}

/** Returns a UserError for what the file system refuses to write; any other error as it is. */
export function cannotWrite(path: string, error: unknown): unknown {
  const isRefusal =
    !(error instanceof UserError) && SYSTEM_CODE.test((error as NodeJS.ErrnoException).code ?? '');
  if (!isRefusal) return error;
  return new UserError(`\`${path}\` cannot be written: ${reasonOf(error)}.`, 'cannot-write', {
    cause: error,
  });
}

/** Returns a UserError for what the file system refuses to read. */
export function cannotRead(path: string, error: unknown): UserError {
  return new UserError(`\`${path}\` cannot be read: ${reasonOf(error)}.`, 'cannot-read', { cause: error });
}
