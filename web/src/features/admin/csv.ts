import type { NewUser, Role } from '../../api/types';

/** A person of the pasted text, and the line that they begin on, from 1. */
export interface CsvRow {
  line: number;
  cells: string[];
}

/** What is wrong with the text itself; values are the API's to judge. */
export interface CsvFault {
  problem: 'empty' | 'columns' | 'cells' | 'quote';
  line: number;
  count: number;
}

export interface CsvPeople {
  users: NewUser[];
  /** The line of each of them. */
  lines: number[];
  fault?: CsvFault;
}

const COLUMNS = ['id', 'email', 'name', 'role'] as const;

/** Reads people of a CSV (RFC 4180), whose first line names the columns, in any order. */
export function readPeople(text: string): CsvPeople {
  const { rows, openQuote } = readRows(text.replace(/^\uFEFF/, ''));
  const nothing = { users: [], lines: [] };
  if (openQuote !== undefined) {
    return { ...nothing, fault: { problem: 'quote', line: openQuote, count: 0 } };
  }

  const [head, ...people] = rows;
  if (!head || people.length === 0) {
    return { ...nothing, fault: { problem: 'empty', line: 1, count: 0 } };
  }
  const names = head.cells.map((cell) => cell.trim().toLowerCase());
  if ([...names].sort().join() !== [...COLUMNS].sort().join()) {
    return { ...nothing, fault: { problem: 'columns', line: head.line, count: names.length } };
  }

  const short = people.find(({ cells }) => cells.length !== COLUMNS.length);
  if (short) {
    const fault = { problem: 'cells' as const, line: short.line, count: short.cells.length };
    return { ...nothing, fault };
  }

  const cell = (row: CsvRow, name: string) => (row.cells[names.indexOf(name)] ?? '').trim();
  const users = people.map((row) => ({
    id: cell(row, 'id'),
    email: cell(row, 'email'),
    name: cell(row, 'name'),
    // The API says if it is none.
    role: cell(row, 'role') as Role,
  }));
  return { users, lines: people.map(({ line }) => line) };
}

/** Splits a text into rows and cells; blank lines are none. `openQuote` is a line that does not end. */
export function readRows(text: string): { rows: CsvRow[]; openQuote?: number } {
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let cell = '';
  let quotedSince: number | undefined;
  let line = 1;
  let start = 1;

  const endCell = () => {
    cells.push(cell);
    cell = '';
  };
  const endRow = () => {
    endCell();
    if (cells.some((value) => value.trim() !== '')) rows.push({ line: start, cells });
    cells = [];
    start = line + 1;
  };

  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    const isDoubled = char === '"' && text.charAt(at + 1) === '"';

    if (quotedSince !== undefined && isDoubled) {
      cell += '"';
      at++;
    } else if (quotedSince !== undefined && char !== '"') {
      cell += char;
    } else if (char === '"') {
      quotedSince = quotedSince === undefined ? line : undefined;
    } else if (char === ',') {
      endCell();
    } else if (char === '\n') {
      endRow();
    } else if (char !== '\r') {
      cell += char;
    }
    if (char === '\n') line++;
  }

  endRow();
  return quotedSince === undefined ? { rows } : { rows, openQuote: quotedSince };
}
