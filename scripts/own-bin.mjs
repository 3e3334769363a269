/**
 * Makes `npx audit` work inside the checkout, as it does where the package is installed: npm links the commands of
 * dependencies into node_modules/.bin, but not those of the package itself.
 */
import { chmodSync, existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

const main = 'dist/src/cli/main.js';
const folder = 'node_modules/.bin';
chmodSync(main, 0o755);
if (existsSync(folder)) {
  const link = `${folder}/audit`;
  rmSync(link, { force: true });
  if (process.platform === 'win32') writeFileSync(`${link}.cmd`, `@node "%~dp0\\..\\..\\${main.replaceAll('/', '\\')}" %*\r\n`);
  else symlinkSync(`../../${main}`, link);
}
