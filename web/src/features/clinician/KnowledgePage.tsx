import { lazy, Suspense } from 'react';
import { Page } from '../../components/Page';
import '../../i18n/staff';
import { useTexts } from '../../i18n/texts';
import { useListDocumentsInfiniteQuery } from './clinicianApi';
import { DocumentList } from './DocumentList';
import { KnowledgeSearch } from './KnowledgeSearch';

const AddDocument = lazy(async () => {
  const { AddDocument } = await import('./AddDocument');
  return { default: AddDocument };
});

/** What answers quote: searching it, and the tenant's own documents. */
export function KnowledgePage() {
  const t = useTexts();
  const { isListed } = useListDocumentsInfiniteQuery(undefined, {
    selectFromResult: ({ data, error }) => ({ isListed: Boolean(data ?? error) }),
  });

  return (
    <Page title={t('knowledge.title')}>
      <KnowledgeSearch />
      <DocumentList />
      {/* Below what is as tall as it will be: nothing jumps. */}
      <Suspense>{isListed && <AddDocument />}</Suspense>
    </Page>
  );
}
