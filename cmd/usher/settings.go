package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/spf13/pflag"
	"golang.org/x/time/rate"
	"gopkg.in/yaml.v3"

	"usher/reconciler"
	"usher/state/mail"
)

// settings are what every command shares. Each is a flag, a variable with
// USHER_ before its name, and a key of the file that --config names; a flag goes
// over a variable, a variable over the file, the file over the default.
type settings struct {
	State            string `yaml:"state" env:"STATE"`
	Mail             string `yaml:"mail" env:"MAIL"`
	MailPasswordFile string `yaml:"mail-password-file" env:"MAIL_PASSWORD_FILE"`
	MailConnections  string `yaml:"mail-connections" env:"MAIL_CONNECTIONS"`
	MailRate         string `yaml:"mail-rate" env:"MAIL_RATE"`
	From             string `yaml:"from" env:"FROM"`
	URL              string `yaml:"url" env:"URL"`
	Private          string `yaml:"private" env:"PRIVATE"`
	MaxRemovals      string `yaml:"max-removals" env:"MAX_REMOVALS"`
	MaxMail          string `yaml:"max-mail" env:"MAX_MAIL"`
	InvitationTTL    string `yaml:"invitation-ttl" env:"INVITATION_TTL"`
	Templates        string `yaml:"templates" env:"TEMPLATES"`
	LogFormat        string `yaml:"log-format" env:"LOG_FORMAT"`
}

func defaults() settings {
	return settings{
		State:           "sqlite:usher.db",
		Mail:            "dir:outbox",
		MailConnections: "4",
		MaxMail:         strconv.Itoa(reconciler.DefaultMail),
		InvitationTTL:   "90d",
		LogFormat:       "text",
	}
}

// configFlag names the file of settings; it cannot stand in that file.
const configFlag = "config"

// flags binds the settings to flags.
func (s *settings) flags(f *pflag.FlagSet) {
	*s = defaults()
	f.StringVar(&s.State, "state", s.State, "`where` the state is kept: sqlite:FILE")
	f.StringVar(&s.Mail, "mail", s.Mail, "`where` messages go: dir:FOLDER, smtp://user@host:587, smtps://user@host:465 or none")
	f.StringVar(&s.MailPasswordFile, "mail-password-file", "", "`file` with the password for smtp on its first line")
	f.StringVar(&s.MailConnections, "mail-connections", s.MailConnections, "`number` of messages that may be on their way at once")
	f.StringVar(&s.MailRate, "mail-rate", "", "`N/s, N/m or N/h`: at most so many messages in a second, minute or hour (default as many as the server takes)")
	f.StringVar(&s.From, "from", "", "`address` that messages come from")
	f.StringVar(&s.URL, "url", "", "`URL` that links in messages begin with")
	f.StringVar(&s.Private, "private", "", "`folder` with contract information, for contract managers alone")
	f.StringVar(&s.MaxRemovals, "max-removals", "", "`N or N%` of people who may be removed or lose something without approval (default 3 people or 10 %, whichever is more)")
	f.StringVar(&s.MaxMail, "max-mail", s.MaxMail, "`number` of messages one revision may send without approval")
	f.StringVar(&s.InvitationTTL, "invitation-ttl", s.InvitationTTL, "`time` an invitation works, such as 90d or 12h")
	f.StringVar(&s.Templates, "templates", "", "`folder` of templates that replace the built-in ones")
	f.StringVar(&s.LogFormat, "log-format", s.LogFormat, "`format` of the log of usher watch, text or json")
	f.String(configFlag, "", "`file` of settings (YAML: the names of these flags)")
}

// load completes the flags with the environment and the file.
func (s *settings) load(f *pflag.FlagSet, environ map[string]string) error {
	given := map[string]string{}
	f.Visit(func(flag *pflag.Flag) { given[flag.Name] = flag.Value.String() })
	file, ok := given[configFlag]
	if !ok {
		file = environ["USHER_CONFIG"]
	}
	base := defaults()
	if file != "" {
		if err := base.read(file); err != nil {
			return err
		}
	}
	if err := env.ParseWithOptions(&base, env.Options{Environment: environ, Prefix: "USHER_"}); err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	*s = base
	for name, value := range given {
		if err := f.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// read takes settings from a file: one YAML mapping whose keys are flags.
func (s *settings) read(file string) error {
	r, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	defer r.Close()
	if err := s.decode(r, file); err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	return nil
}

func (s *settings) decode(r io.Reader, file string) error {
	d := yaml.NewDecoder(r)
	var document, second yaml.Node
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one document; keep all settings in the first", file)
	}
	return s.take(document.Content[0], file)
}

// take refuses keys that are no settings before it believes the others.
func (s *settings) take(mapping *yaml.Node, file string) error {
	if mapping.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: settings are lines such as \"state: sqlite:usher.db\"", file, mapping.Line)
	}
	known := settingNames()
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		place := fmt.Sprintf("%s:%d:%d", file, key.Line, key.Column)
		if !slices.Contains(known, key.Value) {
			return hintError{fmt.Errorf("%s: there is no setting %q", place, key.Value), didYouMean(key.Value, known)}
		}
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
			return fmt.Errorf("%s: %s wants one value", place, key.Value)
		}
	}
	if err := mapping.Decode(s); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// settingNames is every key that a file of settings may have.
func settingNames() []string {
	var names []string
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(settings).flags(f)
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Name != configFlag {
			names = append(names, flag.Name)
		}
	})
	return names
}

// limits reads the limits on a plan.
func (s *settings) limits() (reconciler.Limits, error) {
	var l reconciler.Limits
	var err error
	if s.MaxRemovals != "" {
		if l.Removals, err = reconciler.ParseLimit(s.MaxRemovals); err != nil {
			return l, fmt.Errorf("reading --max-removals: %w", err)
		}
	}
	if l.Mail, err = strconv.Atoi(s.MaxMail); err != nil || l.Mail < 1 {
		return l, fmt.Errorf("reading --max-mail: %q is not a number of messages, 1 or more", s.MaxMail)
	}
	return l, nil
}

// delivery reads how fast messages may go.
func (s *settings) delivery(now func() time.Time) (mail.Options, error) {
	o := mail.Options{Now: now}
	var err error
	if o.AtOnce, err = strconv.Atoi(s.MailConnections); err != nil || o.AtOnce < 1 || o.AtOnce > mostConnections {
		return o, fmt.Errorf("reading --mail-connections: %q is not a number from 1 to %d", s.MailConnections, mostConnections)
	}
	if s.MailRate != "" {
		if o.Rate, err = parseRate(s.MailRate); err != nil {
			return o, fmt.Errorf("reading --mail-rate: %w", err)
		}
	}
	return o, nil
}

// mostConnections is more than servers take from one client (Postfix,
// smtpd_client_connection_count_limit: 50).
const mostConnections = 100

// parseRate reads "10/s", "600/m" or "3600/h".
func parseRate(text string) (*rate.Limiter, error) {
	number, unit, _ := strings.Cut(text, "/")
	span, known := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || n == 0 || !known {
		return nil, fmt.Errorf("%q is not a rate such as 10/s, 600/m or 3600/h", text)
	}
	return rate.NewLimiter(rate.Every(span/time.Duration(n)), 1), nil
}

// invitationTTL reads how long an invitation works.
func (s *settings) invitationTTL() (time.Duration, error) {
	d, err := parseTime(s.InvitationTTL)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("reading --invitation-ttl: %q is not a time such as 90d or 12h", s.InvitationTTL)
	}
	return d, nil
}

// parseTime reads whole days, "90d", and what time.ParseDuration knows.
func parseTime(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}
