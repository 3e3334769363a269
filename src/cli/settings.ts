import type { Command } from 'commander';
import { loadConfig } from '../settings/config.js';
import type { SettingName, Settings } from '../settings/settings.js';
import { givenSettings, type SettingGroups } from './options.js';

/**
 * The settings of one command: what the configuration file says about those in `names`, overruled by the command
 * line. `audit.config.json` of the current folder is found by itself.
 */
export function readSettings(command: Command, names: readonly SettingName[]): Settings {
  const config = loadConfig(command.opts().config);
  const known = Object.entries(config).filter(([name]) => names.includes(name as SettingName));
  return { ...Object.fromEntries(known), ...givenSettings(command) };
}

/** The same for settings in groups. */
export function readSettingGroups(command: Command, groups: SettingGroups): Settings {
  return readSettings(
    command,
    groups.flatMap(([, names]) => names),
  );
}
