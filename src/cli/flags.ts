/** The option of a setting: `seqLen` → `--seq-len`. */
export function flagOf(setting: string): string {
  return `--${setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Returns the message of an error in the words of the command line: `` `seqLen` `` becomes `` `--seq-len` ``,
 * `` `data=random` `` becomes `` `--data random` ``, and `` `hash=false` `` becomes `` `--no-hash` ``.
 *
 * @param error `settings` lists the settings that the message mentions; other words in backticks stay as they
 *   are.
 */
export function withFlags({ message, settings }: { message: string; settings: readonly string[] }): string {
  return [...new Set(settings)].reduce(
    (text, setting) =>
      text.replace(new RegExp(`\`${setting}(?:=([^\`]*))?\``, 'g'), (_, value?: string) =>
        option(setting, value),
      ),
    message,
  );
}

function option(setting: string, value: string | undefined): string {
  const flag = flagOf(setting);
  if (value === 'false') return `\`--no-${flag.slice(2)}\``;
  return value === undefined || value === 'true' ? `\`${flag}\`` : `\`${flag} ${value}\``;
}
