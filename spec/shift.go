package spec

import (
	"cmp"
	"reflect"
	"slices"
)

// Shift is where lines of a file stand once it was edited. Lines that are in no run
// were edited themselves, and may be gone.
type Shift struct {
	File string
	Runs []LineRun // sorted, without overlap; none: the file is there no more
}

// LineRun is so many lines from First on, which now stand By lines lower.
type LineRun struct{ First, Count, By int32 }

// Endless is more lines than any file has.
const Endless = MaxFileSize + 1

// at is where a line stands now.
func (s *Shift) at(line int32) int32 {
	i, found := slices.BinarySearchFunc(s.Runs, line, func(r LineRun, line int32) int { return cmp.Compare(r.First, line) })
	if !found {
		i--
	}
	if i < 0 || line >= s.Runs[i].First+s.Runs[i].Count {
		return line
	}
	return line + s.Runs[i].By
}

// still reports whether no line moved.
func (s *Shift) still() bool {
	return !slices.ContainsFunc(s.Runs, func(r LineRun) bool { return r.By != 0 })
}

// join sorts the runs and makes one of those that go on alike.
func (s *Shift) join() {
	slices.SortFunc(s.Runs, func(a, b LineRun) int { return cmp.Compare(a.First, b.First) })
	joined := s.Runs[:0]
	for _, r := range s.Runs {
		if n := len(joined) - 1; n >= 0 && joined[n].By == r.By && joined[n].First+joined[n].Count == r.First {
			joined[n].Count += r.Count
			continue
		}
		joined = append(joined, r)
	}
	s.Runs = joined
}

// shifts are those of several files, by path.
type shifts map[string]*Shift

// move has lines of a file stand elsewhere.
func (s shifts) move(path string, run LineRun) {
	if s[path] == nil {
		s[path] = &Shift{File: path}
	}
	s[path].Runs = append(s[path].Runs, run)
}

// origin is where something is declared now.
func (s shifts) origin(o Origin) Origin {
	if shift := s[o.File]; shift != nil {
		o.Line = shift.at(o.Line)
	}
	return o
}

// origins are where something is declared now, sorted.
func (s shifts) origins(was []Origin) (is []Origin, moved bool) {
	for i, o := range was {
		now := s.origin(o)
		if now == o {
			continue
		}
		if !moved {
			is, moved = slices.Clone(was), true
		}
		is[i] = now
	}
	if !moved {
		return was, false
	}
	slices.SortFunc(is, CompareOrigins)
	return is, true
}

// user is a person as declared now, who is the same.
func (s shifts) user(u User) User {
	u.Origin = s.origin(u.Origin)
	own := false
	for i := range u.Access {
		because, moved := s.origins(u.Access[i].Because)
		if !moved {
			continue
		}
		if !own {
			u.Access, own = slices.Clone(u.Access), true
		}
		u.Access[i].Because = because
	}
	return u
}

// lowered is a copy of something that was read so many lines higher up.
func lowered[T any](p *T, by int32) *T {
	c := *p
	lowerLines(reflect.ValueOf(&c).Elem(), by)
	return &c
}

// lowerLines lowers all that stands on a line; what was not written has none.
func lowerLines(v reflect.Value, by int32) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			switch {
			case v.Type().Field(i).Name != "Line":
				lowerLines(f, by)
			case f.Int() > 0:
				f.SetInt(f.Int() + int64(by))
			}
		}
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() != reflect.Struct {
			return
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(c, v)
		for i := range c.Len() {
			lowerLines(c.Index(i), by)
		}
		v.Set(c)
	case reflect.Pointer:
		if v.IsNil() || v.Type().Elem().Kind() != reflect.Struct {
			return
		}
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(v.Elem())
		lowerLines(c.Elem(), by)
		v.Set(c)
	}
}
