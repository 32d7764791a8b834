import { Alert, Button, Checkbox, Input } from 'antd';
import { useId, useMemo, useState } from 'react';
import { useSingleFlight } from '../../api/singleFlight';
import type { ImportResult } from '../../api/types';
import { DropArea } from '../../components/DropArea';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import { useHeldBack } from '../../components/useCountdown';
import { ruleIn, useProblemWords } from '../../i18n/problems/useProblemWords';
import { useTexts } from '../../i18n/texts';
import { loadText, saveText } from '../consultations/draft';
import { useImportUsersMutation } from './adminApi';
import { readPeople } from './csv';
import { readCsvFile } from './csvFile';

const EXAMPLE = 'id,email,name,role\n';

/** The form's name among the drafts. */
const DRAFT = 'people';

/** Brings in people from a CSV, and shows what became of each row. */
export function ImportForm() {
  const t = useTexts();
  const areaId = useId();
  const once = useSingleFlight();
  const { text, isRestored, write } = useCsvText();
  const [updates, setUpdates] = useState(false);
  const [allOrNothing, setAllOrNothing] = useState(false);
  const [lines, setLines] = useState<number[]>([]);
  const people = useMemo(() => readPeople(text), [text]);
  const [send, { data, error, isLoading }] = useImportUsersMutation();
  const isHeldBack = useHeldBack(error);
  const fault = text.trim() === EXAMPLE.trim() ? undefined : people.fault;

  const submit = async () => {
    setLines(people.lines);
    const { data: result } = await send({
      users: people.users,
      mode: allOrNothing ? 'all_or_nothing' : 'partial',
      existing: updates ? 'update' : 'skip',
    });
    // What was refused is still to be corrected.
    if (result?.errors.length === 0) saveText(DRAFT, '');
  };

  return (
    <Section title={t('users.import')}>
      <CsvDrop isDisabled={isLoading} onText={write} />
      {isRestored && <Alert type="info" showIcon title={t('users.csv.restored')} />}
      <label htmlFor={areaId}>{t('users.csv')}</label>
      <Input.TextArea
        id={areaId}
        className="code"
        value={text}
        spellCheck={false}
        disabled={isLoading}
        autoSize={{ minRows: 4, maxRows: 16 }}
        aria-describedby={`${areaId}-hint`}
        onChange={({ target }) => {
          write(target.value);
        }}
      />
      <p id={`${areaId}-hint`} className="small">
        {t('users.csv.hint')}
      </p>
      {fault && (
        <p className="fault" role="alert">
          {t(`users.csv.${fault.problem}`, { line: fault.line, count: fault.count })}
        </p>
      )}
      <div className="row">
        <Checkbox
          checked={updates}
          onChange={({ target }) => {
            setUpdates(target.checked);
          }}
        >
          {t('users.existing')}
        </Checkbox>
        <Checkbox
          checked={allOrNothing}
          onChange={({ target }) => {
            setAllOrNothing(target.checked);
          }}
        >
          {t('users.all')}
        </Checkbox>
      </div>
      <FailureAlert error={error} />
      <Button
        type="primary"
        loading={isLoading}
        disabled={people.users.length === 0 || isHeldBack}
        onClick={() => {
          once(submit);
        }}
      >
        {t('users.submit', { count: people.users.length })}
      </Button>
      {data && <Outcome result={data} lines={lines} />}
    </Section>
  );
}

/** The text as it is kept in the tab. */
function useCsvText() {
  const [draft] = useState(() => loadText(DRAFT));
  const [text, setText] = useState(draft ?? EXAMPLE);

  const write = (changed: string) => {
    setText(changed);
    saveText(DRAFT, changed);
  };
  return { text, isRestored: draft !== undefined && draft === text, write };
}

interface CsvDropProps {
  isDisabled: boolean;
  onText: (text: string) => void;
}

/** A file is read into the text, where it can be looked over. */
function CsvDrop({ isDisabled, onText }: CsvDropProps) {
  const t = useTexts();
  const [fault, setFault] = useState<'large' | 'binary'>();

  const read = async ([file]: File[]) => {
    if (!file) return;
    const csv = await readCsvFile(file);
    if ('text' in csv) onText(csv.text);
    setFault('fault' in csv ? csv.fault : undefined);
  };

  return (
    <>
      <DropArea
        lead={t('users.csv.drop')}
        hint={t('users.csv.file')}
        accept=".csv,text/csv"
        isDisabled={isDisabled}
        onFiles={(files) => void read([...files])}
      />
      {fault && (
        <p className="fault" role="alert">
          {t(`users.csv.file.${fault}`)}
        </p>
      )}
    </>
  );
}

/** What became of the rows, by the lines that they stand on in the text. */
function Outcome({ result, lines }: { result: ImportResult; lines: number[] }) {
  const t = useTexts();
  const { imported, updated, skipped, errors } = result;
  const words = useProblemWords(errors.length > 0);
  const lineOf = (index: number) => lines[index] ?? index + 2;

  return (
    <div className="outcome" role="status">
      <Alert
        type={errors.length > 0 ? 'warning' : 'success'}
        showIcon
        title={[
          t('users.imported', { count: imported }),
          updated > 0 && t('users.updated', { count: updated }),
          skipped.length > 0 && t('users.skipped', { lines: skipped.map(lineOf).join(', ') }),
        ]
          .filter(Boolean)
          .join(' · ')}
      />
      {errors.length > 0 && (
        <table className="table">
          <caption>{t('users.errors')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('users.line')}</th>
              <th scope="col">{t('users.field')}</th>
              <th scope="col">{t('users.rule')}</th>
            </tr>
          </thead>
          <tbody>
            {errors.map(({ index, field, message }) => (
              <tr key={index}>
                <td>{lineOf(index)}</td>
                <td>{field}</td>
                <td>{ruleIn(words, message)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
