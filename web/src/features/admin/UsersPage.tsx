import { App, Button, Skeleton } from 'antd';
import type { ListedUser } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { LoadMore } from '../../components/LoadMore';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { useTexts } from '../../i18n/texts';
import { useSignOutEverywhereMutation } from '../auth/authApi';
import { useListUsersInfiniteQuery } from './adminApi';
import { ImportForm } from './ImportForm';

/** The people of the tenant who were imported, and the import. */
export function UsersPage() {
  const t = useTexts();
  const list = useListUsersInfiniteQuery();
  const items = list.data?.pages.flatMap((page) => page.items);

  return (
    <Page title={t('users.title')}>
      <ImportForm />
      <Section title={t('users.title')}>
        <FailureAlert error={list.error} onRetry={() => void list.refetch()} />
        {list.isLoading && <Skeleton active />}
        {items?.length === 0 && <p className="small">{t('users.empty')}</p>}
        <ul className="documents">
          {items?.map((user) => (
            <UserRow key={user.id} user={user} />
          ))}
        </ul>
        {items && items.length > 0 && (
          <LoadMore
            hasMore={list.hasNextPage}
            isLoading={list.isFetchingNextPage}
            onLoad={() => void list.fetchNextPage()}
          />
        )}
      </Section>
    </Page>
  );
}

function UserRow({ user: { id, name, email, role } }: { user: ListedUser }) {
  const t = useTexts();
  const { modal, message } = App.useApp();
  const [signOut, { error, isLoading }] = useSignOutEverywhereMutation();

  const ask = async () => {
    const isSure = await modal.confirm({
      title: t('users.signOut.title'),
      content: t('users.signOut.what', { name }),
      okText: t('users.signOut'),
      okButtonProps: { danger: true },
      cancelText: t('app.cancel'),
    });
    if (!isSure) return;

    const { error: fault } = await signOut(id);
    if (!fault) void message.success(t('users.signedOut', { name }));
  };

  return (
    <li className="document">
      <div>
        <strong>{name}</strong>
        <p className="small">
          {email} · {t(`role.${role}`)}
        </p>
        <FailureAlert error={error} />
      </div>
      <Button
        loading={isLoading}
        aria-label={t('users.signOut.label', { name })}
        onClick={() => void ask()}
      >
        {t('users.signOut')}
      </Button>
    </li>
  );
}
