import { expect, it } from 'vitest';
import type { ConsultationSummary, Urgency } from '../../api/types';
import { byUrgency } from './byUrgency';

const item = (id: string, urgency: Urgency, created_at: string): ConsultationSummary => ({
  id,
  urgency,
  created_at,
  updated_at: created_at,
  user_id: 'u',
  status: 'completed',
  symptoms: '…',
  turns: 1,
  awaits_answer: false,
});

const items = [
  item('a', 'routine', '2026-01-03T00:00:00Z'),
  item('b', 'emergency', '2026-01-01T00:00:00Z'),
  item('c', 'emergency', '2026-01-02T00:00:00Z'),
  item('d', 'self_care', '2026-01-04T00:00:00Z'),
];

it('puts the most urgent first, and of these the latest', () => {
  expect(byUrgency(items).map(({ id }) => id)).toEqual(['c', 'b', 'a', 'd']);
});

it('shows one urgency alone', () => {
  expect(byUrgency(items, 'emergency').map(({ id }) => id)).toEqual(['c', 'b']);
});
