import { Skeleton } from 'antd';
import type { Consultation, Message } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import { UrgencyTag } from '../../components/UrgencyTag';
import { tagOf, useTexts, useTimes } from '../../i18n/texts';
import { useListMessagesQuery } from './consultationsApi';

interface Props {
  consultation: Consultation;
  /** Whether its patient reads it. */
  isOwner: boolean;
}

/** What was said, in order. */
export function Conversation({ consultation, isOwner }: Props) {
  const t = useTexts();
  const { data, error, refetch } = useListMessagesQuery(consultation.id);

  return (
    <Section title={t('messages.title')}>
      <FailureAlert error={error} onRetry={() => void refetch()} />
      {!data && !error && <Skeleton active />}
      <ol className="messages">
        {data?.map((message) => (
          <MessageRow
            key={`${message.turn} ${message.role}`}
            message={message}
            lang={tagOf(consultation.locale)}
            isOwner={isOwner}
          />
        ))}
      </ol>
    </Section>
  );
}

interface RowProps {
  message: Message;
  lang: string;
  isOwner: boolean;
}

function MessageRow({ message, lang, isOwner }: RowProps) {
  const t = useTexts();
  const writeTime = useTimes();
  const isPatient = message.role === 'patient';
  const patient = isOwner ? 'messages.you' : 'role.patient';

  return (
    <li className={isPatient ? 'message message-patient' : 'message'}>
      <p className="small">
        {t(isPatient ? patient : 'messages.assistant')} ·{' '}
        <time dateTime={message.at}>{writeTime(message.at)}</time>{' '}
        {!isPatient && <UrgencyTag urgency={message.assessment.urgency} />}
      </p>
      <p className="words" lang={lang}>
        {isPatient ? message.text : message.assessment.summary}
      </p>
    </li>
  );
}
