import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.js';
import { cannotRead, cannotWrite, hasCode, reasonOf } from '../../src/files/reasons.js';

const error = (code: string, message = 'words of the system') => Object.assign(new Error(message), { code });

describe('a reason', () => {
  it('is in words, or what the system says where the code is unknown', () => {
    expect(reasonOf(error('ENOSPC'))).toBe('no space is left on the device');
    expect(reasonOf(error('ENOTTY'))).toBe('words of the system');
    expect(hasCode(error('ENOENT'), 'ENOTDIR', 'ENOENT')).toBe(true);
    expect(hasCode(null, 'ENOENT')).toBe(false);
  });

  it('makes a UserError of what the system refuses, and of nothing else', () => {
    expect(cannotWrite('f', error('EROFS'))).toMatchObject({
      message: '`f` cannot be written: the file system is read-only.',
      code: 'cannot-write',
    });
    expect(cannotWrite('f', error('ENOTTY'))).toBeInstanceOf(UserError);
    for (const bug of [error('ERR_INVALID_ARG_TYPE'), new TypeError('x'), new UserError('x', 'y')]) {
      expect(cannotWrite('f', bug)).toBe(bug);
    }
    expect(cannotRead('f', error('EACCES')).message).toBe('`f` cannot be read: permission denied.');
  });
});
