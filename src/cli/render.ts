import pc from 'picocolors';
import type { Colors, TextOptions } from '../report/colors.js';
import { formatReport } from '../report/json.js';
