import { Page } from '../../components/Page';
import '../../i18n/staff';
import { useTexts } from '../../i18n/texts';
import { AddDocument } from './AddDocument';
import { DocumentList } from './DocumentList';
import { KnowledgeSearch } from './KnowledgeSearch';

/** What answers quote: searching it, and the tenant's own documents. */
export function KnowledgePage() {
  const t = useTexts();
  return (
    <Page title={t('knowledge.title')}>
      <KnowledgeSearch />
      <DocumentList />
      <AddDocument />
    </Page>
  );
}
