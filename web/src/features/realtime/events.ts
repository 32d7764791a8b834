/**
 * What the WebSocket tells of a consultation: ids, steps and codes. Of its words it has the summary
 * alone, while a model still writes it.
 */
export interface ConsultationEvent {
  /** 1, 2, 3, … of each consultation. */
  id: number;
  type:
    | 'queued'
    | 'progress'
    | 'deferred'
    | 'completed'
    | 'report_ready'
    | 'failed'
    | 'cancelled'
    | 'questions'
    | 'summary';
  job?: string;
  progress?: number;
  step?: string;
  reason?: string;
  /** Of a `summary`: its whole sentences so far, in place of those before; none takes them back. */
  summary?: string;
}

/** The gateway's own: it was throttled, or a function did not run. */
interface GatewayFrame {
  type?: undefined;
}

/** What the gateway sends. A frame without `type` is its own, and says that ours was not taken. */
export type Frame =
  | { type: 'events'; consultation_id: string; events: ConsultationEvent[] }
  | { type: 'subscribed'; consultation_id: string; after: number }
  | { type: 'unsubscribed' | 'erased'; consultation_id: string }
  | { type: 'pong' }
  | { type: 'error'; status?: number; retry_after?: number; request?: string }
  | GatewayFrame;

export interface TakenEvents {
  last: number;
  taken: ConsultationEvent[];
  /** Whether events are missing before one that has come: they have to be asked for. */
  hasGap: boolean;
}

/** The events that continue what was seen up to number `last`; others are repeated, or come again. */
export function takeNext(last: number, events: readonly ConsultationEvent[]): TakenEvents {
  const taken: ConsultationEvent[] = [];

  for (const event of events) {
    if (event.id !== last + taken.length + 1) continue;
    taken.push(event);
  }
  const next = last + taken.length;
  return { last: next, taken, hasGap: events.some(({ id }) => id > next) };
}

export function readFrame(text: string): Frame {
  try {
    return JSON.parse(text) as Frame;
  } catch {
    return {};
  }
}
