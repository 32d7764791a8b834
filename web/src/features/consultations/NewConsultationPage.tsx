import { Alert, Button, Form, Input, Radio } from 'antd';
import { PhoneOutlined } from '@ant-design/icons';
import { useEffect, useRef, useState, type ChangeEvent, type RefObject } from 'react';
import { useNavigate } from 'react-router';
import { isFailure } from '../../api/failure';
import { useIdempotencyKeys } from '../../api/idempotency';
import type { NewConsultation } from '../../api/types';
import { useAppDispatch } from '../../app/hooks';
import { load } from '../../app/notLoaded';
import { CallSentence } from '../../components/CallSentence';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { FailureAlert } from '../../components/FailureAlert';
import { Page } from '../../components/Page';
import { useHeldBack } from '../../components/useCountdown';
import { ruleIn, useProblemWords } from '../../i18n/problems/useProblemWords';
import { useLanguage, useTexts } from '../../i18n/texts';
import { isUnderWay, readyFiles, type SentFile } from '../uploads/files';
import { UploadField } from '../uploads/UploadField';
import { useFiles } from '../uploads/useFiles';
import { consultationAccepted } from './acceptedSlice';
import { useCreateConsultationMutation } from './consultationsApi';
import { clearDraft, keptKey, loadDraft, saveDraft, type Draft } from './draft';

type Fields = Omit<Draft, 'attachments'>;

const MOST_CHARACTERS = 8000;

/** Where a consultation begins. What is written is kept in the tab until it was sent. */
export function NewConsultationPage() {
  const t = useTexts();
  const [draft] = useState(loadDraft);
  const [form] = Form.useForm<Fields>();
  const files = useDraftFiles(draft);
  const { send, error, isSending } = useSend(readyFiles(files.files).map(({ id }) => id));
  const underWay = files.files.filter(isUnderWay);
  const isHeldBack = useHeldBack(error);
  const { dialog, ask, confirmed } = useLeftOut(send);
  const words = useProblemWords(isFailure(error));

  useEffect(prepareAnswer, []);
  useEffect(() => {
    if (!isFailure(error) || words === 'loading') return;
    const fields = error.fields.filter(({ field }) => form.getFieldInstance(field as keyof Fields));
    form.setFields(
      fields.map(({ field, message }) => ({
        name: field as keyof Fields,
        errors: [t('failure.field', { message: ruleIn(words, message) })],
      })),
    );
  }, [error, form, t, words]);

  return (
    <Page title={t('new.title')} lead={t('new.lead')}>
      <Form<Fields>
        form={form}
        className="card"
        layout="vertical"
        requiredMark={false}
        // What is written while it is being sent would not be part of it.
        disabled={isSending}
        initialValues={draft}
        onValuesChange={(part) => {
          saveDraft(part);
        }}
        onFinish={(fields) => {
          if (underWay.length > 0) ask(fields);
          else send(fields);
        }}
      >
        {hasContent(draft) && <Alert type="info" showIcon title={t('new.restored')} />}
        <p className="danger">
          <PhoneOutlined aria-hidden /> <CallSentence text="new.danger" />
        </p>
        <SymptomFields />
        <Form.Item label={t('new.files')}>
          <UploadField
            files={files.files}
            isDisabled={isSending}
            onAdd={files.add}
            onRetry={files.retry}
            onRemove={files.remove}
          />
        </Form.Item>
        <FailureAlert error={error} namesNumber />
        <Button
          type="primary"
          htmlType="submit"
          size="large"
          block
          loading={isSending}
          disabled={isHeldBack}
        >
          {t('new.submit')}
        </Button>
        {underWay.length > 0 && <p className="small under-way">{t('new.underWay')}</p>}
      </Form>
      <LeftOut dialog={dialog} files={underWay} onConfirm={confirmed} />
    </Page>
  );
}

function hasContent({ symptoms, history, attachments = [] }: Draft): boolean {
  return Boolean(symptoms) || Boolean(history) || attachments.length > 0;
}

/** The page that shows a decision is loaded before it is needed: while there is a connection. */
function prepareAnswer(): void {
  load(() => import('./ConsultationPage')).catch(() => undefined);
}

/** Who does not want to wait for files is asked before these are left out. */
function useLeftOut(send: (fields: Fields) => void) {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = useRef<Fields>();

  return {
    dialog,
    ask: (fields: Fields) => {
      asked.current = fields;
      dialog.current?.showModal();
    },
    confirmed: () => {
      dialog.current?.close();
      if (asked.current) send(asked.current);
    },
  };
}

interface LeftOutProps {
  dialog: RefObject<HTMLDialogElement>;
  files: SentFile[];
  onConfirm: () => void;
}

function LeftOut({ dialog, files, onConfirm }: LeftOutProps) {
  const t = useTexts();
  const names = files.map(({ name }) => name).join(t('app.comma'));
  return (
    <ConfirmDialog
      dialog={dialog}
      title={t(files.length > 0 ? 'new.leftOut' : 'new.leftOut.none')}
      what={files.length > 0 ? t('new.leftOut.what', { names }) : ''}
      cancel={t('new.leftOut.wait')}
      confirm={t('new.submit')}
      isDanger={false}
      onConfirm={onConfirm}
    />
  );
}

function SymptomFields() {
  const t = useTexts();
  return (
    <>
      <Form.Item
        name="symptoms"
        label={t('new.symptoms')}
        extra={t('new.symptoms.hint')}
        rules={[{ required: true, whitespace: true, message: t('new.symptoms.required') }]}
      >
        <Input.TextArea autoSize={{ minRows: 4, maxRows: 12 }} maxLength={MOST_CHARACTERS} />
      </Form.Item>
      <div className="pair">
        <Form.Item
          name="age"
          label={t('new.age')}
          getValueFromEvent={readAge}
          rules={[{ type: 'integer', min: 0, max: 130, message: t('new.age.range') }]}
        >
          <Input inputMode="numeric" />
        </Form.Item>
        <Form.Item name="sex" label={t('new.sex')}>
          <Radio.Group
            optionType="button"
            aria-label={t('new.sex')}
            options={(['female', 'male', 'other'] as const).map((value) => ({
              value,
              label: t(`new.sex.${value}`),
            }))}
          />
        </Form.Item>
      </div>
      <Form.Item name="history" label={t('new.history')}>
        <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={MOST_CHARACTERS} />
      </Form.Item>
    </>
  );
}

/** A number, also in full-width digits; anything else stays as it is written, for the rule to refuse. */
function readAge({ target }: ChangeEvent<HTMLInputElement>): number | string | null {
  const text = target.value.normalize('NFKC').trim();
  if (text === '') return null;
  return /^\d{1,3}$/.test(text) ? Number(text) : text;
}

/** The files of the form, of which those that are ready are kept with the draft. */
function useDraftFiles(draft: Draft) {
  const files = useFiles(() =>
    (draft.attachments ?? []).map(({ id, name }) => ({
      key: id,
      id,
      name,
      state: 'ready',
      percent: 100,
    })),
  );

  useEffect(() => {
    saveDraft({ attachments: readyFiles(files.files) });
  }, [files.files]);
  return files;
}

function useSend(attachments: string[]) {
  const language = useLanguage();
  const navigate = useNavigate();
  const dispatch = useAppDispatch();
  const keys = useIdempotencyKeys(keptKey('new'));
  const [create, { error }] = useCreateConsultationMutation();
  const [isSending, setSending] = useState(false);

  const send = async (fields: Fields) => {
    const body = bodyOf(fields, attachments);
    const { key, locale = language } = keys().keyOf(body, language);
    setSending(true);
    const { data } = await create({ body: { ...body, locale }, key });
    if (!data) {
      setSending(false);
      return;
    }

    // The decision is shown at once, while the consultation itself is read.
    dispatch(consultationAccepted({ ...data, locale }));
    // Until its page is there, a second tap is the same consultation.
    await navigate(`/consultations/${data.id}`);
    keys().drop();
    clearDraft();
  };

  return { send: (fields: Fields) => void send(fields), error, isSending };
}

function bodyOf(fields: Fields, attachments: string[]): Omit<NewConsultation, 'locale'> {
  const { symptoms = '', age, sex, history } = fields;
  return {
    symptoms,
    ...(age != null && { age }),
    ...(sex && { sex }),
    ...(history?.trim() && { history }),
    ...(attachments.length > 0 && { attachments }),
  };
}
