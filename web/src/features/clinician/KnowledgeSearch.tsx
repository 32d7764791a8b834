import { Alert, Button, Form, Input } from 'antd';
import type { FoundPassage } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { Section } from '../../components/Section';
import { SourceLink } from '../../components/SourceLink';
import { useTexts } from '../../i18n/texts';
import { useLazySearchKnowledgeQuery } from './clinicianApi';

/** Searches as an answer does, and says by what each passage was found. */
export function KnowledgeSearch() {
  const t = useTexts();
  const [search, { data, error, isFetching }] = useLazySearchKnowledgeQuery();

  return (
    <Section title={t('knowledge.search')}>
      <Form<{ question: string }>
        className="search"
        onFinish={({ question }) => void search(question)}
      >
        <Form.Item
          name="question"
          rules={[{ required: true, whitespace: true, message: t('auth.required') }]}
        >
          <Input aria-label={t('knowledge.search.label')} maxLength={500} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={isFetching}>
          {t('knowledge.search')}
        </Button>
      </Form>
      <FailureAlert error={error} />
      {data?.degraded && <Alert type="warning" showIcon title={t('knowledge.search.degraded')} />}
      {data?.items.length === 0 && <p>{t('knowledge.search.none')}</p>}
      <ol className="passages">
        {data?.items.map((passage) => (
          <PassageRow key={`${passage.document_id} ${passage.position}`} passage={passage} />
        ))}
      </ol>
    </Section>
  );
}

function PassageRow({ passage }: { passage: FoundPassage }) {
  const t = useTexts();
  const { title, heading, content, text_place: text, vector_place: vector } = passage;
  const places = [
    text != null && t('knowledge.search.text', { place: text }),
    vector != null && t('knowledge.search.vector', { place: vector }),
  ];

  return (
    <li lang={passage.language === 'zh' ? 'zh-CN' : 'en'}>
      <h3>{heading ? `${title} · ${heading}` : title}</h3>
      <p className="words">{content}</p>
      <p className="small">
        <SourceLink source={{ title: passage.source_title, url: passage.source_url }} />{' '}
        {places.filter(Boolean).join(' · ')}
      </p>
    </li>
  );
}
