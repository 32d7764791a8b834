import { Link } from 'react-router';
import type { AuditEvent } from '../../api/types';
import { useNarrow } from '../../components/useNarrow';
import { useTexts, useTimes } from '../../i18n/texts';
import { trailOf } from './auditFilter';

interface Props {
  events: AuditEvent[];
}

/** Events in a table; where that has no room, each on a card of its own. */
export function AuditEvents({ events }: Props) {
  return useNarrow() ? <EventCards events={events} /> : <EventTable events={events} />;
}

function EventTable({ events }: Props) {
  const t = useTexts();
  const heads = ['at', 'actor', 'action', 'person', 'record'] as const;

  return (
    <div className="card">
      <table className="table audit">
        <caption className="unseen">{t('audit.title')}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {t(`audit.${head}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.id} data-action={event.action}>
              <td>
                <EventTime event={event} />
              </td>
              <td>
                <Actor event={event} />
              </td>
              <td>{t(`audit.action.${event.action}`)}</td>
              <td>
                <PersonLink id={event.user_id} />
              </td>
              <td>
                <RecordOf event={event} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function EventCards({ events }: Props) {
  const t = useTexts();
  return (
    <ul className="list">
      {events.map((event) => (
        <li key={event.id} className="card" data-action={event.action}>
          <strong>{t(`audit.action.${event.action}`)}</strong>
          <p className="small">
            <EventTime event={event} />
          </p>
          <dl className="facts">
            <dt>{t('audit.actor')}</dt>
            <dd>
              <Actor event={event} />
            </dd>
            <dt>{t('audit.person')}</dt>
            <dd>
              <PersonLink id={event.user_id} />
            </dd>
            <dt>{t('audit.record')}</dt>
            <dd>
              <RecordOf event={event} />
            </dd>
          </dl>
        </li>
      ))}
    </ul>
  );
}

function EventTime({ event: { at } }: { event: AuditEvent }) {
  const writeTime = useTimes();
  return <time dateTime={at}>{writeTime(at)}</time>;
}

function Actor({ event: { actor_id: id, actor_role: role } }: { event: AuditEvent }) {
  const t = useTexts();
  return (
    <>
      {t(`audit.role.${role}`)}
      {id && (
        <>
          {' '}
          <Link className="id" to={trailOf({ actor_id: id })}>
            {id}
          </Link>
        </>
      )}
    </>
  );
}

function PersonLink({ id }: { id: string }) {
  return (
    <Link className="id" to={trailOf({ user_id: id })}>
      {id}
    </Link>
  );
}

/** The consultation or the file; an event about a person has neither. */
function RecordOf({ event }: { event: AuditEvent }) {
  const t = useTexts();
  const { consultation_id: consultation, upload_id: upload, action } = event;
  const trail = consultation && trailOf({ consultation_id: consultation });

  if (upload) {
    return (
      <>
        {t('audit.upload')} <span className="id">{upload}</span>
      </>
    );
  }
  if (!consultation || !trail) return '–';
  return (
    <>
      <Link className="id" to={trail}>
        {consultation}
      </Link>{' '}
      {action !== 'erase_consultation' && (
        <Link
          to={`/consultations/${consultation}`}
          aria-label={t('audit.open.label', { id: consultation })}
        >
          {t('audit.open')}
        </Link>
      )}
    </>
  );
}
