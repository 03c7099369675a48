package spec

// invitationSpec is the invitation of a User manifest. Raising the generation
// sends the invitation again (DOMAIN.md row 17).
type invitationSpec struct {
	Generation int `yaml:"generation" validate:"required,min=1,max=1000000" doc:"raise it to send the invitation again, with a new password; the earlier one no longer opens"`
}
