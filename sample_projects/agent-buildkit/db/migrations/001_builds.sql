CREATE TABLE builds (
  id uuid PRIMARY KEY,
  project text NOT NULL,
  revision text NOT NULL,
  not_before timestamptz
);
