import { Skeleton } from 'antd';
import type { TraceStep, Turn } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import '../../i18n/staff';
import { useTexts, type Translate } from '../../i18n/texts';
import { useGetTraceQuery } from './clinicianApi';

/** How each answer was made: searches, steps of models, tools, tiers that failed. */
export function TraceView({ id }: { id: string }) {
  const t = useTexts();
  const { data, error, refetch } = useGetTraceQuery(id);

  return (
    <Section title={t('clinic.trace')}>
      <FailureAlert error={error} onRetry={() => void refetch()} />
      {!data && !error && <Skeleton active />}
      {data?.length === 0 && <p className="small">{t('clinic.trace.none')}</p>}
      {data?.map((turn) => (
        <TurnSteps key={turn.turn} turn={turn} />
      ))}
    </Section>
  );
}

function TurnSteps({ turn }: { turn: Turn }) {
  const t = useTexts();
  return (
    <>
      <h3>{t('clinic.trace.turn', { turn: turn.turn, tier: turn.served_by.tier })}</h3>
      <ol className="trace">
        {turn.steps.map((step, index) => (
          <li key={index} data-step={step.step}>
            {describe(step, t)}
            {'milliseconds' in step && (
              <span className="small"> {t('trace.ms', { ms: step.milliseconds })}</span>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}

function describe(step: TraceStep, t: Translate): string {
  switch (step.step) {
    case 'search':
      if (step.searched_by.length === 0) return t('trace.search.none');
      return t('trace.search', { by: step.searched_by.join(' + '), count: step.passages.length });
    case 'model_step': {
      const calls = step.calls.join(', ') || t('trace.answer');
      return t('trace.model_step', { tier: step.tier, number: step.number, calls });
    }
    case 'tool_call':
      return t('trace.tool_call', { tool: step.tool, count: step.passages.length });
    case 'mistake':
      return t('trace.mistake', { tier: step.tier, reason: step.reason });
    case 'models':
      return describeModels(step, t);
    case 'citations':
      return t('trace.citations', { kept: step.kept, dropped: step.dropped });
    case 'guidance':
      return t(step.document_id ? 'trace.guidance' : 'trace.guidance.none');
  }
}

function describeModels(step: Extract<TraceStep, { step: 'models' }>, t: Translate): string {
  const { tier, attempts, failures, usage } = step;
  const parts = [
    tier ? t('trace.models', { tier, attempts }) : t('trace.models.none', { attempts }),
    usage && t('trace.tokens', { prompt: usage.prompt, completion: usage.completion }),
    failures.length > 0 &&
      t('trace.failures', {
        failures: failures.map((failure) => `${failure.tier} (${failure.fault})`).join(', '),
      }),
  ];
  return parts.filter(Boolean).join('; ');
}
