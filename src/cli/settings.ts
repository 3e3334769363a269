import type { Command } from 'commander';
import { loadConfig } from '../settings/config.js';
import type { SettingName, Settings } from '../settings/settings.js';
import { settingsOfCommandLine } from './options.js';

/**
 * Returns the settings of one command: what the configuration file says about those in `names`, overruled by
 * the command line.
 */
export function readSettings(command: Command, names: readonly SettingName[]): Settings {
  const config = loadConfig(command.opts().config);
  const known = Object.entries(config).filter(([name]) => names.includes(name as SettingName));
  return { ...Object.fromEntries(known), ...settingsOfCommandLine(command) };
}
