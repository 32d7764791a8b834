import { expect, it } from 'vitest';
import type { Accepted, Answered, Consultation } from '../../api/types';
import { withAccepted, withAnswered } from './decision';

const before = {
  id: 'c',
  job_id: 'first',
  status: 'completed',
  urgency: 'urgent',
  symptoms: 'A cough.',
  triage: { urgency: 'routine', advice: 'See a doctor.', red_flags: [], read_as: [] },
  questions: [{ code: 'a' }, { code: 'b' }],
  answers: {},
} as unknown as Consultation;

const sign = { code: 'a', label: 'Struggling to breathe', status: 'present', source: null };

it('a “yes” is shown as it was answered: the urgency, what to do, the signs, no further question', () => {
  const answered = {
    urgency: 'emergency',
    advice: 'Call now.',
    red_flags: [sign],
    questions: [],
    answers: { a: 'yes' },
  } as unknown as Answered;

  expect(withAnswered(before, answered)).toMatchObject({
    status: 'completed',
    urgency: 'emergency',
    triage: { urgency: 'emergency', advice: 'Call now.', red_flags: [sign] },
    questions: [],
    answers: { a: 'yes' },
    symptoms: 'A cough.',
  });
});

it('answers that come in another order than they were given in take nothing back', () => {
  const [no, yes] = [
    { urgency: 'routine', advice: 'See a doctor.', answers: { b: 'no' } },
    { urgency: 'emergency', advice: 'Call now.', answers: { a: 'yes', b: 'no' } },
  ].map((answered) => ({ ...answered, red_flags: [], questions: [] }) as unknown as Answered);
  if (!no || !yes) throw new Error('two answers');

  expect(withAnswered(withAnswered(before, yes), no)).toEqual(withAnswered(before, yes));
  expect(withAnswered(withAnswered(before, no), yes).triage.advice).toBe('Call now.');
});

it('a message is being answered, and what a model has raised stays raised', () => {
  const accepted = {
    job_id: 'second',
    status: 'processing',
    urgency: 'routine',
    advice: 'See a doctor.',
    red_flags: [],
    questions: [],
  } as unknown as Accepted;

  const after = withAccepted(before, accepted);
  expect(after).toMatchObject({ job_id: 'second', status: 'processing', urgency: 'urgent' });
  expect(after.triage.urgency).toBe('routine');
});

it('the decision on a message takes back nothing that has risen while it was on its way', () => {
  const emergency = {
    ...{ urgency: 'emergency', advice: 'Call now.', red_flags: [sign], questions: [] },
    answers: { a: 'yes' },
  } as unknown as Answered;
  const accepted = {
    ...{ job_id: 'second', status: 'processing', urgency: 'routine', advice: 'See a doctor.' },
    ...{ red_flags: [], questions: [{ code: 'b' }] },
  } as unknown as Accepted;

  const after = withAccepted(withAnswered(before, emergency), accepted);
  expect(after).toMatchObject({ job_id: 'second', status: 'processing', urgency: 'emergency' });
  expect(after.triage).toMatchObject({ advice: 'Call now.', red_flags: [sign] });
});
