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

/** The danger signs that are still open. Each answer is sent as soon as it is given. */
export function QuestionsForm({ id, questions }: Props) {
  const t = useTexts();
  const [showsAll, setShowsAll] = useState(false);
  const [answer, { error, isLoading }] = useAnswerQuestionsMutation();
  const shown = showsAll ? questions : questions.slice(0, AT_FIRST);
  const hidden = questions.length - shown.length;

  return (
    <Section title={t('questions.title')}>
      <p className="small">{t('questions.lead')}</p>
      <FailureAlert error={error} />
      <ul className="questions">
        {shown.map((question) => (
          <QuestionRow
            key={question.code}
            question={question}
            isBusy={isLoading}
            onAnswer={(value) => void answer({ id, answers: { [question.code]: value } })}
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
  isBusy: boolean;
  onAnswer: (answer: Answer) => void;
}

function QuestionRow({ question, isBusy, onAnswer }: RowProps) {
  const t = useTexts();
  return (
    <li>
      <fieldset className="question" disabled={isBusy} data-question={question.code}>
        <legend>{question.text}</legend>
        <div className="row">
          {ANSWERS.map((value) => (
            <Button
              key={value}
              onClick={() => {
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
