import { Skeleton } from 'antd';
import { Link } from 'react-router';
import type { ListedUser } from '../../api/types';
import { ConfirmButton } from '../../components/ConfirmButton';
import { FailureAlert } from '../../components/FailureAlert';
import { LoadMore } from '../../components/LoadMore';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import '../../i18n/staff';
import { useTexts } from '../../i18n/texts';
import { useSignOutEverywhereMutation } from '../auth/authApi';
import { useListUsersInfiniteQuery } from './adminApi';
import { trailOf } from './auditFilter';
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
        {items && items.length > 0 && <LoadMore list={list} />}
      </Section>
    </Page>
  );
}

function UserRow({ user: { id, name, email, role } }: { user: ListedUser }) {
  const t = useTexts();
  const [signOut, { error, isLoading, isSuccess }] = useSignOutEverywhereMutation();

  return (
    <li className="document">
      <div>
        <strong>{name}</strong>
        <p className="small">
          {email} · {t(`role.${role}`)} ·{' '}
          <Link to={trailOf({ user_id: id })} aria-label={t('audit.ofPerson.label', { name })}>
            {t('audit.ofPerson')}
          </Link>
        </p>
        <p role="status" className="small">
          {isSuccess && t('users.signedOut', { name })}
        </p>
        <FailureAlert error={error} />
      </div>
      <ConfirmButton
        title={t('users.signOut.title')}
        what={t('users.signOut.what', { name })}
        confirm={t('users.signOut')}
        onConfirm={() => void signOut(id)}
        button={{ loading: isLoading, 'aria-label': t('users.signOut.label', { name }) }}
      >
        {t('users.signOut')}
      </ConfirmButton>
    </li>
  );
}
