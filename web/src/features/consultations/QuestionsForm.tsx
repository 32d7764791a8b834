import { Button } from 'antd';
import { useEffect, useRef, useState } from 'react';
import type { Answer, Consultation, Question } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import { SourceLink } from '../../components/SourceLink';
import { tagOf, useTexts } from '../../i18n/texts';
import {
  isOpenTo,
  rowsOf,
  unsentAnswers,
  withTaken,
  type Given,
  type GivenAnswers,
} from './answers';
import { useAnswerQuestionsMutation } from './consultationsApi';

const ANSWERS: Answer[] = ['yes', 'no', 'unsure'];

/** How many are shown at first: the API puts the general danger signs in front. */
const AT_FIRST = 6;

/**
 * The danger signs that are asked for. Each answer is sent as soon as it is given. An answered row
 * stays where it is: another question must not slide under a finger that taps again.
 */
export function QuestionsForm({ consultation }: { consultation: Consultation }) {
  const t = useTexts();
  const [showsAll, setShowsAll] = useState(false);
  const { list, noteShown } = useFocusOnMore(showsAll);
  const { given, send } = useAnswers(consultation);
  const seen = useSeen(consultation.questions);

  const rows = rowsOf(seen, given, consultation.urgency);
  const shown = showsAll ? rows : rows.slice(0, AT_FIRST + Object.keys(given).length);
  const hidden = rows.length - shown.length;
  if (rows.length === 0) return null;

  return (
    <Section title={t('questions.title')}>
      <p className="small">{t('questions.lead')}</p>
      <ul className="questions" ref={list}>
        {shown.map((question) => (
          <QuestionRow
            key={question.code}
            question={question}
            lang={tagOf(consultation.locale)}
            given={given[question.code]}
            onAnswer={(value) => {
              send(question.code, value);
            }}
          />
        ))}
      </ul>
      {hidden > 0 && (
        <Button
          type="link"
          onClick={() => {
            noteShown(shown.length);
            setShowsAll(true);
          }}
        >
          {t('questions.more', { count: hidden })}
        </Button>
      )}
    </Section>
  );
}

/** Whoever asks for more goes on where they are: the button that had the focus is gone. */
function useFocusOnMore(showsAll: boolean) {
  const list = useRef<HTMLUListElement>(null);
  const before = useRef(0);

  useEffect(() => {
    const rows = list.current?.querySelectorAll('.question') ?? [];
    if (showsAll) rows[before.current]?.querySelector('button')?.focus();
  }, [showsAll]);

  const noteShown = (rows: number) => {
    before.current = rows;
  };
  return { list, noteShown };
}

/** All questions that were asked since the page is there. */
function useSeen(questions: Question[]): Question[] {
  const [seen, setSeen] = useState(questions);
  const added = questions.filter(({ code }) => !seen.some((known) => known.code === code));
  if (added.length > 0) setSeen([...seen, ...added]);
  return seen;
}

/**
 * The answers that were given on this page, each with what became of it. One that was not taken is
 * kept as a draft is.
 */
function useAnswers({ id, answers }: Consultation) {
  const [unsent] = useState(() => unsentAnswers(id));
  const [given, setGiven] = useState<GivenAnswers>(() => unsent.given());
  const [answer] = useAnswerQuestionsMutation();

  const send = async (code: string, value: Answer) => {
    setGiven((before) => ({ ...before, [code]: { value } }));
    unsent.keep(code, value);
    const { error } = await answer({ id, answers: { [code]: value } });
    if (!error) {
      unsent.drop(code, value);
      return;
    }
    setGiven((before) => {
      // Another answer was given to it meanwhile: that one counts.
      const isReplaced = before[code]?.value !== value;
      return isReplaced ? before : { ...before, [code]: { value, error } };
    });
  };

  useEffect(() => {
    unsent.dropTaken(answers);
  }, [answers, unsent]);

  return {
    given: withTaken(given, answers),
    send: (code: string, value: Answer) => void send(code, value),
  };
}

interface RowProps {
  question: Question;
  lang: string;
  given: Given | undefined;
  onAnswer: (answer: Answer) => void;
}

function QuestionRow({ question, lang, given, onAnswer }: RowProps) {
  const t = useTexts();
  const row = useRef<HTMLFieldSetElement>(null);
  const again = (value: Answer) => {
    // The button that had the focus goes with the failure.
    row.current?.querySelector<HTMLElement>('[aria-pressed=true]')?.focus();
    onAnswer(value);
  };

  return (
    <li>
      <fieldset ref={row} className="question" data-question={question.code}>
        <legend lang={lang}>{question.text}</legend>
        <div className="row answers">
          {ANSWERS.map((value) => (
            <Button
              key={value}
              type={value === given?.value ? 'primary' : 'default'}
              aria-pressed={value === given?.value}
              disabled={!isOpenTo(given, value)}
              onClick={() => {
                if (value !== given?.value) onAnswer(value);
              }}
            >
              {t(`questions.${value}`)}
            </Button>
          ))}
        </div>
        {given && (
          <FailureAlert
            error={given.error}
            title={t('questions.failed', { answer: t(`questions.${given.value}`) })}
            namesNumber
            retryText={t('questions.again')}
            onRetry={() => {
              again(given.value);
            }}
          />
        )}
        {question.source && <SourceLink source={question.source} />}
      </fieldset>
    </li>
  );
}
