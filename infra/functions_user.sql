-- Makes the functions' user, who may change rows, and no table. Settings of the session say who it is:
--
--   wenzhen.functions_user   its name
--   wenzhen.user_login       iam, password, or kept: as it is
--   wenzhen.user_password    the password, for a login by one
--
-- The migrations' own user may be the functions' too; then it may do everything already.
DO $$
DECLARE
    functions_user text := current_setting('wenzhen.functions_user');
    login text := current_setting('wenzhen.user_login');
    has_iam boolean := EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam');
BEGIN
    IF functions_user = current_user THEN
        RETURN;
    END IF;

    -- Two deployments to this database at once would change the same rows of the catalogue. The
    -- lock is the database's, while users are the server's: where the functions of two databases
    -- have one user, one of two deployments at once may fail, and can be made again.
    PERFORM pg_advisory_xact_lock(hashtext('wenzhen.functions_user'));

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = functions_user) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', functions_user);
    END IF;

    -- A user that logs in by IAM cannot log in by a password.
    IF login = 'password' THEN
        EXECUTE format(
            'ALTER ROLE %I PASSWORD %L', functions_user, current_setting('wenzhen.user_password')
        );
    END IF;
    IF login = 'password' AND has_iam THEN
        EXECUTE format('REVOKE rds_iam FROM %I', functions_user);
    ELSIF login = 'iam' AND has_iam THEN
        EXECUTE format('GRANT rds_iam TO %I', functions_user);
    END IF;

    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', functions_user);
    EXECUTE format(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', functions_user
    );
    EXECUTE format(
        'GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO %I', functions_user
    );
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON _sqlx_migrations FROM %I', functions_user);
END
$$;
