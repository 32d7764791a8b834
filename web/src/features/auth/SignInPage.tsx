import { Alert, Button, Form, Input, type InputRef } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { config, type DemoUser } from '../../app/config';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { FailureAlert } from '../../components/FailureAlert';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { useTexts } from '../../i18n/texts';
import { enter } from './signIn';
import { readSignInFault, type SignInFault } from './signInFault';
import { chooseNewPassword, NewPasswordNeeded, prepareSignIn, signInWithPassword } from './tokens';

interface Names {
  name: string;
  password: string;
  newPassword?: string;
}

/** Signing in: by name and password, and on the local stack by one click. */
export function SignInPage() {
  const t = useTexts();
  const status = useAppSelector((state) => state.session.status);
  const { signIn, isBusy, fault, refusal, needsNewPassword } = useSignIn();
  const { demoUsers = [] } = config();

  return (
    <Page title={t('auth.title')}>
      <div className="narrow">
        {status === 'expired' && <Alert type="info" showIcon title={t('auth.expired')} />}
        {status === 'signed_out_everywhere' && (
          <Alert type="success" showIcon title={t('auth.everywhere.done')} />
        )}
        {fault && <Fault fault={fault} />}
        <FailureAlert error={refusal} />
        {demoUsers.length > 0 && <DemoSignIn users={demoUsers} isBusy={isBusy} onChoose={signIn} />}
        <SignInForm isBusy={isBusy} needsNewPassword={needsNewPassword} onSend={signIn} />
      </div>
    </Page>
  );
}

function useSignIn() {
  const dispatch = useAppDispatch();
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<SignInFault>();
  const [refusal, setRefusal] = useState<unknown>();
  const [needsNewPassword, setNeeds] = useState(false);

  const signIn = async ({ name, password, newPassword }: Names) => {
    setBusy(true);
    setFault(undefined);
    setRefusal(undefined);
    try {
      if (newPassword) await chooseNewPassword(newPassword);
      else await signInWithPassword(name, password);
      await dispatch(enter());
    } catch (error) {
      setBusy(false);
      if (error instanceof NewPasswordNeeded) {
        setNeeds(true);
        return;
      }
      const read = readSignInFault(error);
      setFault(read);
      if (!read) setRefusal(error);
      if (read?.isOver !== false) setNeeds(false);
    }
  };

  return {
    signIn: (names: Names) => void signIn(names),
    isBusy,
    fault,
    refusal,
    needsNewPassword,
  };
}

/** What is wrong, and the next step. */
function Fault({ fault: { text, reasons } }: { fault: SignInFault }) {
  const t = useTexts();
  const details = reasons.map((reason) => <p key={reason}>{t(reason)}</p>);
  return (
    <Alert
      type="error"
      showIcon
      title={t(text)}
      {...(reasons.length > 0 && { description: details })}
    />
  );
}

interface DemoProps {
  users: DemoUser[];
  isBusy: boolean;
  onChoose: (names: Names) => void;
}

function DemoSignIn({ users, isBusy, onChoose }: DemoProps) {
  const t = useTexts();
  return (
    <Section title={t('auth.demo')}>
      <p>{t('auth.demo.why')}</p>
      <div className="row">
        {users.map((user) => (
          <Button
            key={user.name}
            disabled={isBusy}
            onClick={() => {
              onChoose(user);
            }}
          >
            {t(`role.${user.role}`)}
          </Button>
        ))}
      </div>
    </Section>
  );
}

interface FormProps {
  isBusy: boolean;
  needsNewPassword: boolean;
  onSend: (names: Names) => void;
}

function SignInForm({ isBusy, needsNewPassword, onSend }: FormProps) {
  const t = useTexts();
  const required = [{ required: true, message: t('auth.required') }];
  const newPassword = useRef<InputRef>(null);

  useEffect(() => {
    // It comes when the form was sent: nobody would look for it.
    if (needsNewPassword) newPassword.current?.focus();
  }, [needsNewPassword]);

  return (
    <Form<Names>
      className="card"
      layout="vertical"
      requiredMark={false}
      onFocus={prepareSignIn}
      onFinish={onSend}
    >
      <Form.Item name="name" label={t('auth.name')} rules={required}>
        <Input autoComplete="username" inputMode="email" autoCapitalize="none" />
      </Form.Item>
      <Form.Item name="password" label={t('auth.password')} rules={required}>
        <Input type="password" autoComplete="current-password" />
      </Form.Item>
      {needsNewPassword && (
        <Form.Item
          name="newPassword"
          label={t('auth.newPassword')}
          extra={t('auth.newPassword.why')}
          rules={required}
        >
          <Input ref={newPassword} type="password" autoComplete="new-password" />
        </Form.Item>
      )}
      <Button type="primary" htmlType="submit" block loading={isBusy}>
        {t('auth.signIn')}
      </Button>
    </Form>
  );
}
