import { describe, expect, it } from 'vitest';
import { readPeople, readRows } from './csv';

describe('rows', () => {
  it('have cells with commas, quotation marks and line ends', () => {
    const { rows } = readRows('a,"b, c","say ""hi"""\r\n"two\nlines",d\n');
    expect(rows).toEqual([
      { line: 1, cells: ['a', 'b, c', 'say "hi"'] },
      { line: 2, cells: ['two\nlines', 'd'] },
    ]);
  });

  it('keep their line numbers behind blank lines', () => {
    expect(readRows('a\n\n  \nb').rows.map(({ line }) => line)).toEqual([1, 4]);
  });

  it('that do not close a quotation mark are found', () => {
    expect(readRows('a\n"b\nc').openQuote).toBe(2);
  });
});

describe('people', () => {
  it('are read by the names of the columns', () => {
    const people = readPeople('\uFEFFEmail,ID,role,name\n li@a.example ,1,patient,李雷\n');
    expect(people).toEqual({
      users: [{ id: '1', email: 'li@a.example', name: '李雷', role: 'patient' }],
      lines: [2],
    });
  });

  it.each([
    ['', 'empty', 1],
    ['id,email,name,role\n', 'empty', 1],
    ['id,email,name\n1,2,3', 'columns', 1],
    ['id,email,name,role\n1,2,3,4\n1,2,3', 'cells', 3],
    ['id,email,name,role\n1,"2,3,4', 'quote', 2],
  ])('of %j are not read: %s', (text, problem, line) => {
    expect(readPeople(text)).toMatchObject({ users: [], fault: { problem, line } });
  });
});
