import { Button, Form, Input, Skeleton } from 'antd';
import { useNavigate, useSearchParams } from 'react-router';
import { FailureAlert } from '../../components/FailureAlert';
import { LoadMore } from '../../components/LoadMore';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import '../../i18n/staff';
import { useTexts } from '../../i18n/texts';
import { FILTERS, useListAuditEventsInfiniteQuery, type AuditFilter } from './auditApi';
import { AuditEvents } from './AuditEvents';
import { readFilter, trailOf } from './auditFilter';

/** Who has looked at or changed whose records: the trail of the tenant, the latest first. */
export function AuditPage() {
  const t = useTexts();
  const [address] = useSearchParams();
  const filter = readFilter(address);
  const list = useListAuditEventsInfiniteQuery(filter, { refetchOnMountOrArgChange: true });
  const items = list.currentData?.pages.flatMap((page) => page.items);

  return (
    <Page title={t('audit.title')} lead={t('audit.lead')}>
      <FilterForm key={address.toString()} filter={filter} />
      <FailureAlert error={list.error} onRetry={() => void list.refetch()} />
      {!items && !list.error && <Skeleton active paragraph={{ rows: 12 }} />}
      {items?.length === 0 && <p className="card empty">{t('audit.empty')}</p>}
      {items && items.length > 0 && (
        <>
          <AuditEvents events={items} />
          <LoadMore list={list} />
        </>
      )}
    </Page>
  );
}

function FilterForm({ filter }: { filter: AuditFilter }) {
  const t = useTexts();
  const navigate = useNavigate();
  const [form] = Form.useForm<AuditFilter>();

  return (
    <Section title={t('audit.filter')}>
      <Form<AuditFilter>
        form={form}
        layout="vertical"
        initialValues={filter}
        onFinish={(chosen) => void navigate(trailOf(chosen))}
      >
        <div className="filters">
          {FILTERS.map((name) => (
            <Form.Item key={name} name={name} label={t(`audit.${name}`)}>
              <Input autoComplete="off" spellCheck={false} maxLength={128} />
            </Form.Item>
          ))}
        </div>
        <div className="row">
          <Button type="primary" htmlType="submit">
            {t('audit.apply')}
          </Button>
          <Button onClick={() => void navigate(trailOf({}))}>{t('audit.clear')}</Button>
        </div>
      </Form>
    </Section>
  );
}
