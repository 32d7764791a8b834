import { Skeleton } from 'antd';
import type { Message } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import { UrgencyTag } from '../../components/UrgencyTag';
import { useTexts, useTimes } from '../../i18n/texts';
import { useListMessagesQuery } from './consultationsApi';

/** What was said, in order. */
export function Conversation({ id }: { id: string }) {
  const t = useTexts();
  const { data, error, refetch } = useListMessagesQuery(id);

  return (
    <Section title={t('messages.title')}>
      <FailureAlert error={error} onRetry={() => void refetch()} />
      {!data && !error && <Skeleton active />}
      <ol className="messages">
        {data?.map((message) => (
          <MessageRow key={`${message.turn} ${message.role}`} message={message} />
        ))}
      </ol>
    </Section>
  );
}

function MessageRow({ message }: { message: Message }) {
  const t = useTexts();
  const writeTime = useTimes();
  const isPatient = message.role === 'patient';

  return (
    <li className={isPatient ? 'message message-patient' : 'message'}>
      <p className="small">
        {t(isPatient ? 'messages.you' : 'messages.assistant')} ·{' '}
        <time dateTime={message.at}>{writeTime(message.at)}</time>{' '}
        {!isPatient && <UrgencyTag urgency={message.assessment.urgency} />}
      </p>
      <p className="words">{isPatient ? message.text : message.assessment.summary}</p>
    </li>
  );
}
