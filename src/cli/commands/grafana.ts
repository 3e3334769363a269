import type { Command } from 'commander';
import { exportGrafana } from '../../app/grafana-export.js';
import { openTerminal } from '../terminal.js';

export function addGrafanaCommand(parent: Command): void {
  const command = parent.command('grafana').description('Dashboards, alerts and what runs them');
  command
    .command('export')
    .argument('<dir>')
    .description('Writes dashboards, alerts, provisioning, compose file and Kubernetes example')
    .option('--force', 'Write over what is there')
    .action(async (folder: string, { force = false }: { force?: boolean }) => {
      const files = await exportGrafana(folder, { force });
      openTerminal().print(files.map((file) => `${folder.replace(/\/+$/, '')}/${file}`).join('\n'));
    });
}
