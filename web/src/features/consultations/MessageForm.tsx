import { Button, Form, Input } from 'antd';
import { isFailure } from '../../api/failure';
import { useIdempotencyKeys } from '../../api/idempotency';
import type { Consultation, Locale } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import { UrgencyBanner } from '../../components/UrgencyBanner';
import { useHeldBack } from '../../components/useCountdown';
import { useTexts } from '../../i18n/texts';
import { useSendMessageMutation } from './consultationsApi';
import { keptKey, loadText, saveText } from './draft';

const MOST_CHARACTERS = 4000;
const MOST_TURNS = 12;

/** A further message of the patient. */
export function MessageForm({ consultation }: { consultation: Consultation }) {
  const t = useTexts();
  const [form] = Form.useForm<{ text: string }>();
  const [send, { error, isLoading }] = useSendMessageMutation();
  const isHeldBack = useHeldBack(error);
  const { id, status, turns, locale } = consultation;
  const isProcessing = status === 'processing';
  const draft = `message.${id}`;
  const keys = useIdempotencyKeys(keptKey(draft));

  if (turns >= MOST_TURNS) return <p className="small">{t('messages.full')}</p>;

  const finish = async ({ text }: { text: string }) => {
    const { data } = await send({ id, text, key: keys().keyOf({ text }).key });
    if (!data) return;
    keep('');
    form.setFieldsValue({ text: '' });
  };

  const keep = (text: string) => {
    saveText(draft, text);
    // What is written from here on is another message, also in the same words.
    if (text === '') keys().drop();
  };

  return (
    <Section title={t('messages.write')}>
      <RaisedUrgency error={error} locale={locale} />
      <FailureAlert error={error} namesNumber />
      <Form
        form={form}
        // What is written while it is being sent would not be part of it.
        disabled={isLoading}
        initialValues={{ text: loadText(draft) }}
        onValuesChange={({ text }: { text?: string }) => {
          keep(text ?? '');
        }}
        onFinish={(fields: { text: string }) => void finish(fields)}
      >
        <Form.Item
          name="text"
          rules={[{ required: true, whitespace: true, message: t('auth.required') }]}
        >
          <Input.TextArea
            aria-label={t('messages.write')}
            autoSize={{ minRows: 2, maxRows: 8 }}
            maxLength={MOST_CHARACTERS}
          />
        </Form.Item>
        <div className="row">
          <Button
            type="primary"
            htmlType="submit"
            loading={isLoading}
            disabled={isProcessing || isHeldBack}
          >
            {t('messages.send')}
          </Button>
          {isProcessing && <span className="small">{t('messages.wait')}</span>}
        </div>
      </Form>
    </Section>
  );
}

/** The rules have read a message that was refused, too: what they say of it is shown first. */
function RaisedUrgency({ error, locale }: { error: unknown; locale: Locale }) {
  if (!isFailure(error) || !error.urgency || !error.advice) return null;
  return <UrgencyBanner urgency={error.urgency} advice={error.advice} locale={locale} />;
}
