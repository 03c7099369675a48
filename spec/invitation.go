package spec

// invitationSpec is the invitation of a User manifest. Raising the generation
// sends the invitation again (DOMAIN.md row 17).
type invitationSpec struct {
	Generation int `yaml:"generation" validate:"required,min=1,max=1000000"`
}
