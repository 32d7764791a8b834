import { Link } from 'react-router';
import type { ConsultationSummary } from '../../api/types';
import { UrgencyTag } from '../../components/UrgencyTag';
import { useTexts, useTimes } from '../../i18n/texts';

interface ListProps {
  items: readonly ConsultationSummary[];
  /** Whether it is told whose they are, and which are reviewed. */
  isOfClinic?: boolean;
}

interface RowProps {
  item: ConsultationSummary;
  isOfClinic: boolean;
}

/** Consultations in a list, each with its urgency, state and the beginning of the complaint. */
export function ConsultationList({ items, isOfClinic = false }: ListProps) {
  return (
    <ul className="list">
      {items.map((item) => (
        <ConsultationRow key={item.id} item={item} isOfClinic={isOfClinic} />
      ))}
    </ul>
  );
}

function ConsultationRow({ item, isOfClinic }: RowProps) {
  const t = useTexts();
  const writeTime = useTimes();

  return (
    <li className="card list-row">
      <Link to={`/consultations/${item.id}`} className="list-link">
        <span className="list-words">{item.symptoms}</span>
        <span className="list-facts small">
          <UrgencyTag urgency={item.urgency} />
          {isOfClinic && <PersonName item={item} />}
          <span>{t(`status.${item.status}`)}</span>
          <time dateTime={item.created_at}>{writeTime(item.created_at)}</time>
          {item.turns > 1 && <span>{t('history.turns', { count: item.turns })}</span>}
          {isOfClinic && item.reviewed_at && <span>{t('clinic.reviewed')}</span>}
          {item.awaits_answer && <strong>{t('history.awaits')}</strong>}
        </span>
      </Link>
    </li>
  );
}

/** A person who was not imported has no name here; the beginning of their id tells them apart. */
function PersonName({ item }: { item: ConsultationSummary }) {
  const t = useTexts();
  const { user_id, user_name } = item;
  return <span>{user_name ?? t('clinic.person', { id: user_id.slice(0, 8) })}</span>;
}
