import type { LoggerService } from '@nestjs/common';
import { inspect } from 'node:util';
import { wasLogged } from './no-secrets.js';

/** One line of the log. */
export interface LogLine {
  readonly level: 'log' | 'error' | 'warn' | 'debug' | 'verbose' | 'fatal';
  readonly text: string;
}

/** Keeps everything that is logged at every level, for a test to read. None of it may hold a secret of its sandboxes. */
export interface RecordingLogger extends LoggerService {
  readonly lines: readonly LogLine[];
  text(): string;
  clear(): void;
}

export function recordingLogger(): RecordingLogger {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level']) =>
    (...message: unknown[]): void => {
      wasLogged(message);
      lines.push({
        level,
        text: message.map((part) => (typeof part === 'string' ? part : inspect(part))).join(' '),
      });
    };
  return {
    lines,
    text: () => lines.map(({ level, text }) => `${level} ${text}`).join('\n'),
    clear: () => {
      lines.length = 0;
    },
    log: at('log'),
    error: at('error'),
    warn: at('warn'),
    debug: at('debug'),
    verbose: at('verbose'),
    fatal: at('fatal'),
  };
}
