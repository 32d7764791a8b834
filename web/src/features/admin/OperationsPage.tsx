import { Skeleton } from 'antd';
import type { Circuit, ComponentStatus, HealthReport } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import '../../i18n/staff';
import { useTexts, type Translate } from '../../i18n/texts';
import { useGetHealthQuery } from './adminApi';
import { FailedJobs } from './FailedJobs';
import { HealthCharts } from './HealthCharts';
import { Limits } from './Limits';

/** Between two looks at the health: it is made anew once a second. */
const LOOK_MS = 5000;

/** How the installation is, and bringing failed jobs back. */
export function OperationsPage() {
  const t = useTexts();
  const {
    data,
    error,
    refetch,
    fulfilledTimeStamp = 0,
  } = useGetHealthQuery(undefined, {
    pollingInterval: LOOK_MS,
    skipPollingIfUnfocused: true,
  });

  return (
    <Page title={t('operations.title')}>
      <FailureAlert error={error} onRetry={() => void refetch()} />
      {!data && !error && <Skeleton active paragraph={{ rows: 8 }} />}
      {data && <Health report={data} at={fulfilledTimeStamp} />}
      {/* Below what is as tall as it will be: nothing jumps. */}
      {(data !== undefined || error !== undefined) && <FailedJobs />}
    </Page>
  );
}

/** In the order in which one would look. */
const COMPONENTS = [
  'database',
  'readers',
  'valkey',
  'ai',
  'embeddings',
  'jobs',
  'dead_letters',
  'disk',
  'memory',
] as const;

function Health({ report, at }: { report: HealthReport; at: number }) {
  const { status, checks, details } = report;
  const t = useTexts();
  const circuits = [...(details?.ai ?? []), ...(details?.embeddings ?? [])];

  return (
    <>
      <Section title={t('operations.health')} extra={<HealthTag status={status} />}>
        <dl className="components">
          {COMPONENTS.map((name) => (
            <div key={name} data-component={name}>
              <dt>{t(`operations.part.${name}`)}</dt>
              <dd>
                <HealthTag status={checks[name]} /> <Measured name={name} details={details} />
              </dd>
            </div>
          ))}
        </dl>
      </Section>
      <HealthCharts report={report} at={at} />
      <Section title={t('operations.circuits')}>
        {circuits.length === 0 && <p className="small">{t('operations.circuits.none')}</p>}
        {circuits.length > 0 && <Circuits circuits={circuits} />}
      </Section>
      <Limits limits={details?.limits ?? []} />
    </>
  );
}

/** How fast a component is, how full, or how much waits. */
function Measured({
  name,
  details,
}: {
  name: (typeof COMPONENTS)[number];
  details: HealthReport['details'];
}) {
  const t = useTexts();
  return <span className="small">{details ? measured(name, details, t) : ''}</span>;
}

function measured(
  name: (typeof COMPONENTS)[number],
  details: NonNullable<HealthReport['details']>,
  t: Translate,
): string {
  const { jobs } = details;
  switch (name) {
    case 'database':
    case 'readers':
    case 'valkey':
      return details[name] ? t('operations.latency', { ms: details[name].latency_ms }) : '';
    case 'disk':
    case 'memory': {
      const space = details[name];
      if (!space) return '';
      const percent = Math.round((space.used_bytes / space.total_bytes) * 100);
      return t('operations.used', { percent });
    }
    case 'jobs':
      return jobs ? t('operations.unfinished', { count: jobs.unfinished }) : '';
    case 'dead_letters':
      return jobs ? t('operations.failed', { count: jobs.failed + jobs.in_quarantine }) : '';
    default:
      return '';
  }
}

function HealthTag({ status }: { status: ComponentStatus }) {
  const t = useTexts();
  return <span className={`tag health-${status}`}>{t(`health.${status}`)}</span>;
}

function Circuits({ circuits }: { circuits: Circuit[] }) {
  const t = useTexts();
  const seconds = (value: number) => t('operations.seconds', { seconds: value });
  const heads = ['tier', 'phase', 'reason', 'since', 'next', 'left'] as const;

  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls needs the keyboard
    <div className="scroll" tabIndex={0} role="group" aria-label={t('operations.circuits')}>
      <table className="table">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {t(`operations.${head}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {circuits.map((circuit) => (
            <tr key={circuit.name}>
              <td>{circuit.name}</td>
              <td>{t(`phase.${circuit.phase}`)}</td>
              <td>{circuit.reason}</td>
              <td>{seconds(circuit.for_seconds)}</td>
              <td>{seconds(circuit.next_in_seconds)}</td>
              <td>
                {t('operations.left.value', {
                  tenants: circuit.barred_tenants,
                  users: circuit.barred_users,
                })}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
