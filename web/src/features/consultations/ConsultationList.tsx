import { Link } from 'react-router';
import type { ConsultationSummary } from '../../api/types';
import { UrgencyTag } from '../../components/UrgencyTag';
import { useTexts, useTimes } from '../../i18n/texts';

/** Consultations in a list, each with its urgency, state and the beginning of the complaint. */
export function ConsultationList({ items }: { items: readonly ConsultationSummary[] }) {
  return (
    <ul className="list">
      {items.map((item) => (
        <ConsultationRow key={item.id} item={item} />
      ))}
    </ul>
  );
}

function ConsultationRow({ item }: { item: ConsultationSummary }) {
  const t = useTexts();
  const writeTime = useTimes();

  return (
    <li className="card list-row">
      <Link to={`/consultations/${item.id}`} className="list-link">
        <span className="list-words">{item.symptoms}</span>
        <span className="list-facts small">
          <UrgencyTag urgency={item.urgency} />
          <span>{t(`status.${item.status}`)}</span>
          <time dateTime={item.created_at}>{writeTime(item.created_at)}</time>
          {item.turns > 1 && <span>{t('history.turns', { count: item.turns })}</span>}
          {item.awaits_answer && <strong>{t('history.awaits')}</strong>}
        </span>
      </Link>
    </li>
  );
}
