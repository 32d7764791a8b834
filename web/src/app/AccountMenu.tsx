import { UserOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useId, useRef, type RefObject } from 'react';
import { useNavigate } from 'react-router';
import type { Me } from '../api/types';
import { ConfirmDialog } from '../components/ConfirmDialog';
import { FailureAlert } from '../components/FailureAlert';
import { useSignOutEverywhereMutation } from '../features/auth/authApi';
import { leave } from '../features/auth/signIn';
import { useTexts } from '../i18n/texts';
import { useAppDispatch } from './hooks';

/** Who is signed in, and how they leave. The browser opens and closes it: it is a popover. */
export function AccountMenu({ me }: { me: Me }) {
  const t = useTexts();
  const menuId = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const goAway = useGoAway();
  const role = t(`role.${me.role}`);
  // Who was not imported has no more than a role.
  const name = me.name ?? me.email ?? role;

  return (
    <>
      <Button
        ref={opener}
        type="text"
        icon={<UserOutlined />}
        aria-label={t('account.open')}
        title={t('account.open')}
        // React 18 does not know it yet, and passes it on.
        {...{ popovertarget: menuId }}
      />
      <div id={menuId} className="account card" {...{ popover: 'auto' }}>
        <strong>{name}</strong>
        {name !== role && (
          <p className="small">
            {me.name && me.email && `${me.email} · `}
            {role}
          </p>
        )}
        <Button
          block
          onClick={() => {
            goAway('here');
          }}
        >
          {t('auth.signOut')}
        </Button>
        <Button block onClick={() => dialog.current?.showModal()}>
          {t('auth.everywhere')}
        </Button>
      </div>
      {/* Beside the popover, which closes as the dialog opens. */}
      <SignOutEverywhere me={me} dialog={dialog} onClose={() => opener.current?.focus()} />
    </>
  );
}

interface DialogProps {
  me: Me;
  dialog: RefObject<HTMLDialogElement>;
  onClose: () => void;
}

/** Says what it means, and stays open if it could not be done. */
function SignOutEverywhere({ me, dialog, onClose }: DialogProps) {
  const t = useTexts();
  const goAway = useGoAway();
  const [signOut, { error, isLoading, reset }] = useSignOutEverywhereMutation();

  const confirm = async () => {
    const answer = await signOut(me.id);
    if (!answer.error) goAway('everywhere');
  };

  return (
    <ConfirmDialog
      dialog={dialog}
      title={t('auth.everywhere.title')}
      what={t('auth.everywhere.what')}
      confirm={t('auth.everywhere')}
      isBusy={isLoading}
      onClose={() => {
        reset();
        onClose();
      }}
      onConfirm={() => void confirm()}
    >
      <FailureAlert error={error} />
    </ConfirmDialog>
  );
}

/** Leaves nothing of the person on the page; the sign-in follows. */
function useGoAway() {
  const dispatch = useAppDispatch();
  const navigate = useNavigate();

  return (where: 'here' | 'everywhere') => {
    dispatch(leave(where));
    void navigate('/');
  };
}
