import { useState } from 'react';
import type { HealthReport } from '../../api/types';
import { Section } from '../../components/Section';
import '../../i18n/staff';
import { useTexts } from '../../i18n/texts';
import { addSample, lineOf, sampleOf, type Point, type Sample } from './history';

const WIDTH = 240;
const HEIGHT = 40;

const CHARTS = ['database', 'readers', 'valkey', 'jobs', 'dead_letters', 'memory'] as const;

/** How each value is written. */
const UNITS = {
  database: 'operations.latency',
  readers: 'operations.latency',
  valkey: 'operations.latency',
  jobs: 'operations.unfinished',
  dead_letters: 'operations.failed',
  memory: 'operations.used',
} as const;

interface Props {
  report: HealthReport;
  /** When it came: the next one may say the same. */
  at: number;
}

/** The last ten minutes of the health, for as long as the page has been open. */
export function HealthCharts({ report, at }: Props) {
  const t = useTexts();
  const [history, setHistory] = useState<{ at: number; samples: Sample[] }>({
    at,
    samples: [sampleOf(report, at)],
  });
  const { samples } = history;
  if (history.at !== at) setHistory({ at, samples: addSample(samples, sampleOf(report, at)) });

  return (
    <Section title={t('operations.charts')}>
      <p className="small">{t('operations.charts.since')}</p>
      <div className="charts">
        {CHARTS.map((name) => (
          <Chart
            key={name}
            name={name}
            points={samples.map((sample) => ({ at: sample.at, value: sample[name] }))}
          />
        ))}
      </div>
    </Section>
  );
}

function Chart({ name, points }: { name: (typeof CHARTS)[number]; points: Point[] }) {
  const t = useTexts();
  const title = t(`operations.part.${name}`);
  const write = (value: number) =>
    t(UNITS[name], { ms: value, count: value, percent: value }) || String(value);
  const known = points.map(({ value }) => value).filter((value) => value !== undefined);
  const last = points.at(-1)?.value;
  const highest = known.length > 0 ? write(Math.max(...known)) : '–';

  return (
    <figure data-chart={name}>
      <figcaption>
        <span>{title}</span> <strong>{last === undefined ? '–' : write(last)}</strong>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t('operations.charts.label', { title, highest })}
      >
        <path d={lineOf(points, WIDTH, HEIGHT)} />
      </svg>
      <span className="small">{t('operations.charts.highest', { highest })}</span>
    </figure>
  );
}
