import type { LimitView } from '../../api/types';
import { Section } from '../../components/Section';
import '../../i18n/staff';
import { useTexts } from '../../i18n/texts';

/** What a limit counts, if it is not calls. */
function unitOf(name: string) {
  switch (name) {
    case 'tokens':
      return 'tokens';
    case 'wait':
    case 'tenant_wait':
      return 'seconds';
    case 'messages':
      return 'frames';
    case 'connects':
      return 'connections';
    default:
      return 'calls';
  }
}

/** The rate limits as they are set, in the order in which a call meets them. */
export function Limits({ limits }: { limits: LimitView[] }) {
  const t = useTexts();
  const heads = ['limit', 'counts', 'rate', 'burst'] as const;

  return (
    <Section title={t('operations.limits')}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls needs the keyboard */}
      <div className="scroll" tabIndex={0} role="group" aria-label={t('operations.limits')}>
        <table className="table">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {t(`operations.limits.${head}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {limits.map((limit) => (
              <tr key={limit.name}>
                <td>
                  <code>{limit.name}</code>
                </td>
                <td>{t(`operations.scope.${limit.scope}`)}</td>
                <td>
                  {t('operations.limits.of', {
                    limit: limit.limit,
                    seconds: limit.window_seconds,
                    unit: t(`operations.unit.${unitOf(limit.name)}`),
                  })}
                </td>
                <td>{limit.burst ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}
