import { Button } from 'antd';
import { useState } from 'react';
import type { Answer, Question } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import { SourceLink } from '../../components/SourceLink';
import { useTexts } from '../../i18n/texts';
import { useAnswerQuestionsMutation } from './consultationsApi';

const ANSWERS: Answer[] = ['yes', 'no', 'unsure'];

/** How many are shown at first: the API puts the general danger signs in front. */
const AT_FIRST = 6;

interface Props {
  id: string;
  questions: Question[];
}

/**
 * The danger signs that are asked for. Each answer is sent as soon as it is given. An answered row
 * stays where it is: another question must not slide under a finger that taps again.
 */
export function QuestionsForm({ id, questions }: Props) {
  const t = useTexts();
  const [showsAll, setShowsAll] = useState(false);
  const [given, setGiven] = useState<Partial<Record<string, Answer>>>({});
  const [answer, { error }] = useAnswerQuestionsMutation();

  const [seen, setSeen] = useState(questions);
  const added = questions.filter(({ code }) => !seen.some((known) => known.code === code));
  if (added.length > 0) setSeen([...seen, ...added]);

  const shown = showsAll ? seen : seen.slice(0, AT_FIRST + Object.keys(given).length);
  const hidden = seen.length - shown.length;

  const send = async (code: string, value: Answer) => {
    setGiven((before) => ({ ...before, [code]: value }));
    const answered = await answer({ id, answers: { [code]: value } });
    if (answered.error) setGiven((before) => ({ ...before, [code]: undefined }));
  };

  return (
    <Section title={t('questions.title')}>
      <p className="small">{t('questions.lead')}</p>
      <FailureAlert error={error} />
      <ul className="questions">
        {shown.map((question) => (
          <QuestionRow
            key={question.code}
            question={question}
            given={given[question.code]}
            onAnswer={(value) => void send(question.code, value)}
          />
        ))}
      </ul>
      {hidden > 0 && (
        <Button
          type="link"
          onClick={() => {
            setShowsAll(true);
          }}
        >
          {t('questions.more', { count: hidden })}
        </Button>
      )}
    </Section>
  );
}

interface RowProps {
  question: Question;
  given: Answer | undefined;
  onAnswer: (answer: Answer) => void;
}

function QuestionRow({ question, given, onAnswer }: RowProps) {
  const t = useTexts();
  return (
    <li>
      <fieldset className="question" disabled={given !== undefined} data-question={question.code}>
        <legend>{question.text}</legend>
        <div className="row">
          {ANSWERS.map((value) => (
            <Button
              key={value}
              type={value === given ? 'primary' : 'default'}
              aria-pressed={value === given}
              onClick={({ currentTarget }) => {
                focusNext(currentTarget);
                onAnswer(value);
              }}
            >
              {t(`questions.${value}`)}
            </Button>
          ))}
        </div>
        {question.source && <SourceLink source={question.source} />}
      </fieldset>
    </li>
  );
}

/** Who answers by keyboard goes on with the next row, since their own is about to be disabled. */
function focusNext(button: HTMLElement) {
  const next = button.closest('li')?.nextElementSibling;
  next?.querySelector<HTMLElement>('fieldset:not(:disabled) button')?.focus();
}
