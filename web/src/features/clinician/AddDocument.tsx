import { Alert, Button, Form, Input, Radio } from 'antd';
import { useState } from 'react';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import { useHeldBack } from '../../components/useCountdown';
import { useSingleFlight } from '../../api/singleFlight';
import type { Locale } from '../../api/types';
import { useLanguage, useTexts } from '../../i18n/texts';
import { loadFields, saveFields, saveText } from '../consultations/draft';
import { useAddDocumentMutation } from './clinicianApi';

interface Fields {
  title: string;
  language: Locale;
  source: string;
  url: string;
  content: string;
}

/** The form's name among the drafts. */
const DRAFT = 'document';

const EMPTY = { title: '', source: '', url: '', content: '' };

/** Brings in a document of the tenant's own; the list shows how far its job is. */
export function AddDocument() {
  const t = useTexts();
  const language = useLanguage();
  const [form] = Form.useForm<Fields>();
  const [draft, setDraft] = useState(() => loadFields<Fields>(DRAFT));
  const once = useSingleFlight();
  const [add, { error, isLoading }] = useAddDocumentMutation();
  const isHeldBack = useHeldBack(error);

  const finish = async ({ title, source, url, content, language }: Fields) => {
    const body = { title, language, source: { title: source, url }, content };
    const { data } = await add({ ...body, format: 'markdown' });
    if (!data) return;
    saveText(DRAFT, '');
    setDraft(undefined);
    form.setFieldsValue(EMPTY);
  };

  return (
    <Section title={t('knowledge.add')}>
      {draft && <Alert type="info" showIcon title={t('new.restored')} />}
      <Form<Fields>
        form={form}
        layout="vertical"
        requiredMark={false}
        disabled={isLoading}
        initialValues={{ language, ...draft }}
        onValuesChange={(_, fields) => {
          saveFields(DRAFT, fields);
        }}
        onFinish={(fields) => {
          once(() => finish(fields));
        }}
      >
        <DocumentFields />
        <FailureAlert error={error} />
        <Button type="primary" htmlType="submit" loading={isLoading} disabled={isHeldBack}>
          {t('knowledge.submit')}
        </Button>
      </Form>
    </Section>
  );
}

function DocumentFields() {
  const t = useTexts();
  const required = [{ required: true, whitespace: true, message: t('auth.required') }];

  return (
    <>
      <Form.Item name="title" label={t('knowledge.name')} rules={required}>
        <Input maxLength={300} />
      </Form.Item>
      <Form.Item name="language" label={t('knowledge.language')}>
        <Radio.Group
          optionType="button"
          aria-label={t('knowledge.language')}
          options={[
            { value: 'zh', label: '中文' },
            { value: 'en', label: 'English' },
          ]}
        />
      </Form.Item>
      <Form.Item name="source" label={t('knowledge.source')} rules={required}>
        <Input maxLength={300} />
      </Form.Item>
      <Form.Item name="url" label={t('knowledge.url')} rules={required}>
        <Input maxLength={2000} inputMode="url" placeholder="https://" />
      </Form.Item>
      <Form.Item name="content" label={t('knowledge.content')} rules={required}>
        <Input.TextArea autoSize={{ minRows: 5, maxRows: 16 }} />
      </Form.Item>
    </>
  );
}
